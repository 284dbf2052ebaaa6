"""The one place that reads the environment; docs/settings.md lists every name."""

from __future__ import annotations

import sys
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import env, logs, providers

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules

DEBUG = env.flag("DEBUG")
KEPT_DEMO = env.flag("KEPT_DEMO")
BASE_URL = env.url("BASE_URL", "http://127.0.0.1:8000", {"http", "https"}).rstrip("/")
_base = urlsplit(BASE_URL)
SECURE = _base.scheme == "https"
if KEPT_DEMO and _base.hostname not in {"127.0.0.1", "localhost", "::1"}:
    raise env.refuse("KEPT_DEMO", "is refused unless BASE_URL is loopback")

_spare = "only-for-tests-and-checks-" * 3 if TESTING or DEBUG else None
SECRET_KEY = env.secret("SECRET_KEY", least=50, demo=_spare)
HASH_PEPPER = env.secret("HASH_PEPPER", least=32, demo=_spare)
ALLOWED_HOSTS = env.text("ALLOWED_HOSTS", _base.hostname or "").split(",")
if "*" in ALLOWED_HOSTS:
    raise env.refuse("ALLOWED_HOSTS", "must name the hosts; * would accept any")

DATABASES = {"default": env.database("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"] |= {
    "connect_timeout": 3,
    "application_name": "kept",
    # A statement that a connection runs again is planned once: planning costs the server more
    # than running what is found by key.
    "server_side_binding": True,
    "prepare_threshold": 3,
}
# A process that stands still in the middle of a transaction holds nobody up for longer than this.
# No statement of ours runs long enough to earn back what compiling it costs (jit).
DATABASES["default"]["OPTIONS"].setdefault(
    "options", "-c jit=off -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"
)
REDIS_URL = env.redis("REDIS_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

EMAIL_URL = env.url("EMAIL_URL", "smtp://127.0.0.1:25", {"smtp", "smtps"})
MAIL_FROM = env.mail("MAIL_FROM", "offers@kept.example")
REPLY_ADDRESS = env.mail("REPLY_ADDRESS", "answers@kept.example")
BOUNCE_ADDRESS = env.mail("BOUNCE_ADDRESS", "bounce@kept.example")
BOUNCE_INTAKE = env.one_of(
    "BOUNCE_INTAKE", "sink" if KEPT_DEMO else "none", {"none", "pipe", "imap", "sink"}
)
if BOUNCE_INTAKE == "sink" and not (KEPT_DEMO or TESTING):
    raise env.refuse("BOUNCE_INTAKE", "sink is the demo's; use pipe or imap")
IMAP_URL = env.mailboxes("IMAP_URL", needed=BOUNCE_INTAKE == "imap")
CANARY_ADDRESS = env.optional_mail("CANARY_ADDRESS")
CANARY_HOURS = env.number("CANARY_HOURS", 2, least=1, most=23)
if CANARY_ADDRESS in {MAIL_FROM, REPLY_ADDRESS, BOUNCE_ADDRESS}:
    raise env.refuse("CANARY_ADDRESS", "must be a mailbox that does not exist, none that we read")
ANYMAIL_ESP = env.one_of("ANYMAIL_ESP", "", {"", *providers.PROVIDERS})
ANYMAIL = providers.anymail(
    ANYMAIL_ESP,
    key=env.secret("ANYMAIL_API_KEY", least=16, demo=""),
    url=env.text("ANYMAIL_API_URL"),
    signing_key=env.secret("ANYMAIL_SIGNING_KEY", least=16, demo=""),
    webhook_secret=env.secret("ANYMAIL_WEBHOOK_SECRET", least=18, demo=""),
)
HEARTBEAT_URL = env.monitor("HEARTBEAT_URL")
MAIL_PER_MINUTE = env.per_minute("MAIL_PER_MINUTE", "600/300")
# The board looks back 90 days.
DENIED_CALLS_KEPT_DAYS = env.number("DENIED_CALLS_KEPT_DAYS", 100, least=93, most=3650)
RELAY_QUEUE_HOURS = env.number("RELAY_QUEUE_HOURS", 48, least=1, most=240)
AUDIT_HEAD_FILE = env.text("AUDIT_HEAD_FILE")
# Who was forgotten, outside of the database (crm/pull_list.py); empty: nobody writes it down.
FORGOTTEN_LIST = env.text("FORGOTTEN_LIST")
SINK_DIR = Path(env.text("SINK_DIR", str(BASE_DIR / "var" / "mail")))

DEFAULT_COUNTRY = env.text("DEFAULT_COUNTRY", "BE").upper()
COMPANY_NAME = env.text("COMPANY_NAME", "Kept Telecom (demo)")
COMPANY_CONTACT = env.text("COMPANY_CONTACT", "answers@kept.example, +32 2 555 00 00")
TELL_CUSTOMERS_OF_SLIPS = env.flag("TELL_CUSTOMERS_OF_SLIPS", True)
CALL_SOURCE_SILENT_HOURS = env.number("CALL_SOURCE_SILENT_HOURS", 2, least=1, most=240)
GATE_UNKNOWN_NUMBER = env.one_of("GATE_UNKNOWN_NUMBER", "allow", {"allow", "deny"})
WEBHOOK_PRIVATE_NETWORKS = env.networks(
    "WEBHOOK_PRIVATE_NETWORKS", "127.0.0.0/8 ::1/128" if KEPT_DEMO else ""
)
GATE_ON_ERROR = env.one_of("GATE_ON_ERROR", "deny", {"allow", "deny"})

INSTALLED_APPS = [
    "followups",
    "offers",
    "crm",
    "config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "pgtrigger",
    "ninja",
    "csp",
]
AUTH_USER_MODEL = "crm.User"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
MIDDLEWARE = [
    # Machines take the short stairs: no session, no language, no form token (see the room).
    "config.shortcut.ApiShortcut",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Django adds a random length to each answer, so that its size betrays no secret in it.
    "django.middleware.gzip.GZipMiddleware",
    # Customers come without a session: the address of their page is the whole authority.
    "config.doorstep.CustomersDoor",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.sessions.SessionLimits",
    "config.second_factor.SecondFactor",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.refused.NoBlankPages",
    "csp.middleware.CSPMiddleware",
    "config.shortcut.NoStore",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "followups.watchdog.banner",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# Who logs in, and with what besides a password (crm/accounts.py; docs/security.md).
REQUIRE_SECOND_FACTOR = env.roles(
    "REQUIRE_SECOND_FACTOR",
    "" if KEPT_DEMO or DEBUG else "supervisor,operations,administrator",
)
ACCOUNT_ADAPTER = "followups.accounts.Accounts"
ACCOUNT_FORMS = {"login": "crm.forms.LoginForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_SESSION_REMEMBER = True
# A whole house comes from one address: what one name may guess is the narrow limit.
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "60/m/ip,5/15m/key",
    "reauthenticate": "30/m/user",
    "reset_password": "60/m/ip,3/15m/key",
    "reset_password_from_key": "60/m/ip",
}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE else 0
MFA_ADAPTER = "crm.second_factors.SecondFactors"
# Nobody signs up: an administrator enters the address. An opened reset link marks it unverified.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "crm.forms_account.CodeForm",
    "reauthenticate": "crm.forms_account.CodeAgainForm",
}
MFA_TOTP_ISSUER = "Kept"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
OIDC = env.single_sign_on(
    url=env.text("OIDC_SERVER_URL"),
    client=env.text("OIDC_CLIENT_ID"),
    secret=env.secret("OIDC_CLIENT_SECRET", least=16, demo=""),
    name=env.text("OIDC_NAME", "single sign-on"),
)
SOCIALACCOUNT_ADAPTER = "crm.single_sign_on.SingleSignOn"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": OIDC, "OAUTH_PKCE_ENABLED": True}}
# Counts guesses and used codes for all processes of all machines (docs/decisions/0030).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "kept_counters",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French")), ("nl", _("Dutch")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "Europe/Brussels")
if TIME_ZONE not in zoneinfo.available_timezones():
    raise env.refuse("TIME_ZONE", f"there is no time zone {TIME_ZONE!r}")
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.statics.Statics"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

SESSION_COOKIE_AGE = env.number("SESSION_HOURS", 12, least=1, most=24) * 3600
SESSION_IDLE = env.number("SESSION_IDLE_MINUTES", 30, least=5, most=1440) * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "kept_session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "kept_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"]
SECURE_SSL_REDIRECT = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # A form that leads to the identity provider is redirected there.
        "form-action": [SELF, *(env.origin(app["settings"]["server_url"]) for app in OIDC)],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "config.uploads.Cap",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

LOGGING = logs.config(debug=DEBUG)
NINJA_PAGINATION_MAX_LIMIT = 500

# Redis is a nudge (docs/decisions/0001): nothing waits in it that a sweep would not find again.
CELERY_BROKER_URL = env.broker(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_throttle": 1,
    "socket_timeout": 1,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,
}
# Seconds of silence after which beat runs the sweeps itself (config/standin.py).
STAND_IN_AFTER = env.number("STAND_IN_AFTER", 8, least=0, most=600)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
