"""Fifty dialers want the same person in the same instant: one may call, every time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from config import clock
from followups import leases
from followups.gate import Decision, Question
from tests.cast import DAY, DUPONT_HOME, DUPONT_MOBILE, SYSTEM, Cast, sweeps_alive
from tests.followups import weakened
from tests.followups.weakened import NO_LOCK, READ_BEFORE_LOCK, SOUND, Weakness
from tests.races import Thread

DIALERS = 50
STRANGER = "+32471000000"
# Both numbers of one person; a number that nobody has is held by itself.
ROUNDS = ((DUPONT_HOME, DUPONT_MOBILE), (STRANGER, STRANGER))
PATIENCE = 60  # seconds for one round


@dataclass
class Crowd:
    """Dialers with connections of their own, who start each round together."""

    rounds: int
    weakness: Weakness = SOUND
    answers: list[list[Decision]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ready = threading.Barrier(DIALERS, action=lambda: self.answers.append([]))
        self.done = threading.Barrier(DIALERS, action=self._hang_up)

    def dial(self, place: int) -> None:
        self.weakness.connected()
        try:
            for turn in range(self.rounds):
                number = ROUNDS[turn % 2][place % 2]
                self.ready.wait(PATIENCE)
                said = weakened.plainly(Question(number=number, reserve=True))
                self.answers[turn].append(said)
                self.done.wait(PATIENCE)
        except BaseException:
            self.ready.abort()
            self.done.abort()
            raise

    def _hang_up(self) -> None:
        for decision in self.answers[-1]:
            leases.release(decision_id=decision.id, by=SYSTEM, at=decision.checked_at)

    def allowed(self) -> list[int]:
        """How many were allowed to call in each round."""
        with self.weakness.database():
            threads = [Thread(lambda n=n: self.dial(n)) for n in range(DIALERS)]
            for thread in threads:
                thread.answer(limit=PATIENCE + self.rounds)
        return [sum(decision.allow for decision in answers) for answers in self.answers]


@pytest.fixture
def dupont(transactional_db: None, cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(clock.now() + DAY)


@pytest.mark.usefixtures("dupont")
def test_of_fifty_dialers_at_once_one_is_allowed_in_every_round(
    pytestconfig: pytest.Config,
) -> None:
    rounds = int(pytestconfig.getoption("--rounds"))
    crowd = Crowd(rounds)
    assert crowd.allowed() == [1] * rounds
    codes = [decision.code for answers in crowd.answers for decision in answers]
    assert codes.count("leased") == (DIALERS - 1) * rounds


@pytest.mark.parametrize("weakness", [NO_LOCK, READ_BEFORE_LOCK], ids=str)
@pytest.mark.usefixtures("dupont")
def test_without_one_of_its_safeguards_several_are_allowed(weakness: Weakness) -> None:
    assert max(Crowd(6, weakness).allowed()) > 1
