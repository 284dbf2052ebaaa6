"""Where a page finds its style sheets, scripts and fonts."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Statics(CompressedManifestStaticFilesStorage):
    """Collected files have their digest in their names, are compressed, and are kept by browsers
    for good. What was not collected is served where it lies, under its plain name."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """The name with the digest, else the plain one."""
        plain: str = self.clean_name(name)
        found: str = self.hashed_files.get(self.hash_key(plain), plain)
        return found
