"""Django settings that do not depend on the environment: apps, middleware and passwords."""

INSTALLED_APPS = [
    "school",
    "tasks",
    "api",
    "school.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_filters",
    "django_structlog",
    "corsheaders",
    "csp",
]
MIDDLEWARE = [
    "api.http.middleware.RequestIdMiddleware",
    "api.http.addresses.ForwardedAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "api.http.https.HttpsRedirectMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "api.http.middleware.PathLogMiddleware",
    # Outside everything that makes responses; inside WhiteNoise, whose files are already
    # compressed.
    "api.http.middleware.CompressionMiddleware",
    "api.http.middleware.DefaultCacheHeadersMiddleware",
    "api.http.middleware.PathNormalizationMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # Inside CORS and the language, outside all that read bodies.
    "api.http.middleware.BodyLimitMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "api.auth.throttles.AdminLoginThrottleMiddleware",
    "school.admin_sessions.AdminSessionMiddleware",
    "api.auth.otp_checks.AdminOtpThrottleMiddleware",
    "school.admin.passwords.ForcedPasswordChangeMiddleware",
    "school.admin.time_zones.AdminTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "api.http.middleware.HtmlPoliciesMiddleware",
]
ROOT_URLCONF = "school.urls"
WSGI_APPLICATION = "school.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_USER_MODEL = "school.User"
PASSWORD_HASHERS = ["school.runtime.password_hasher.CooperativePBKDF2PasswordHasher"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {
        "NAME": "school.password_rules.StaffMinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "school.password_rules.DistinctCharactersValidator"},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_REDIRECT_URL = "/admin/"
APPEND_SLASH = False  # a redirect would lose the body of a POST
