"""Django's settings, from those of the installation. Import by name: ``DJANGO_SETTINGS_MODULE``."""

from __future__ import annotations

from typing import Any

from eclaireur.core.config import read_settings
from eclaireur.desk.accounts.asked import second_factor_setting
from eclaireur.desk.accounts.passwords import breached_file
from eclaireur.desk.accounts.provider import identity_settings
from eclaireur.desk.database import database_settings
from eclaireur.desk.hosting import hosting_settings
from eclaireur.desk.secret import secret_key
from eclaireur.desk.theme import state_files

_SETTINGS = read_settings()
_HOSTING = hosting_settings(_SETTINGS.url, _SETTINGS.hosts)

SECRET_KEY = secret_key(_SETTINGS.secret_key, _SETTINGS.home / "desk")
DEBUG = False
ALLOWED_HOSTS = list(_HOSTING.hosts)
CSRF_TRUSTED_ORIGINS = list(_HOSTING.origins)

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_tasks",
    "django_tasks_db",
    "eclaireur.desk",
]
MIDDLEWARE = [
    "eclaireur.desk.middleware.safe_headers",
    "eclaireur.desk.api.errors.one_shape",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "eclaireur.desk.middleware.french_errors",
    "eclaireur.desk.uploads.limit_size",
    "eclaireur.desk.overload.limit_heavy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "eclaireur.desk.accounts.events.tell_refusals",
    "eclaireur.desk.overload.limit_writing",
    "eclaireur.desk.middleware.signed_in",
    "eclaireur.desk.middleware.with_second_factor",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "eclaireur.desk.urls"
WSGI_APPLICATION = "eclaireur.desk.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["eclaireur.desk.templatetags.french"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "eclaireur.desk.context.shell",
            ],
        },
    }
]

DATABASES = {"default": database_settings(_SETTINGS.database, _SETTINGS.home, _SETTINGS.clear_hosts)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}

AUTH_USER_MODEL = "desk.User"
PASSWORD_HASHERS = ["eclaireur.desk.accounts.passwords.Argon2id"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("login", "full_name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "eclaireur.desk.accounts.passwords.VariedValidator"},
    {
        "NAME": "eclaireur.desk.accounts.passwords.ContextValidator",
        "OPTIONS": {"hosts": (*_HOSTING.hosts, *_HOSTING.origins)},
    },
    {
        "NAME": "eclaireur.desk.accounts.passwords.BreachedValidator",
        "OPTIONS": {"file": breached_file(_SETTINGS.breached_passwords)},
    },
]
IDENTITY = identity_settings(_SETTINGS)
AUTHENTICATION_BACKENDS = ["eclaireur.desk.accounts.backend.PasswordBackend"]
if IDENTITY is not None:
    AUTHENTICATION_BACKENDS.append("eclaireur.desk.accounts.oidc.IdentityBackend")
SECOND_FACTOR = second_factor_setting(_SETTINGS.second_factor)
LOGIN_URL = "/connexion/"
LOGIN_REDIRECT_URL = "/"

SESSION_ENGINE = "eclaireur.desk.sessions"
SESSION_COOKIE_AGE = 60 * 60 * 12
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HOSTING.https
SESSION_COOKIE_NAME = f"{_HOSTING.cookies}sessionid"
CSRF_COOKIE_NAME = f"{_HOSTING.cookies}csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
THEME_COOKIE = f"{_HOSTING.cookies}theme"
# What was done is said once, from the session: no cookie holds what a page told.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_FAILURE_VIEW = "eclaireur.desk.pages.errors.forbidden"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HOSTING.https else None
SECURE_HSTS_SECONDS = 31_536_000 if _HOSTING.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HOSTING.https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "fr"
TIME_ZONE = "Europe/Paris"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = state_files(_SETTINGS.theme)
STATE_THEME = bool(STATICFILES_DIRS)
STATIC_ROOT = _SETTINGS.home / "desk" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = _SETTINGS.home / "desk" / "files"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
UPLOAD_LIMIT = _SETTINGS.upload
READ_ADDRESSES = _SETTINGS.read_addresses == "yes"
HEAVY_AT_ONCE = 3  # of the four threads of a process (`serving`): pages always find one
API_PER_MINUTE = 600  # requests of a key, in each process
WRITES_PER_MINUTE = 300  # forms and files sent by a person, in each process
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler"},
        "security": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "loggers": {"eclaireur.security": {"handlers": ["security"], "level": "INFO", "propagate": False}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
