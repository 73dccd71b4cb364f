"""How people log in to a deployment, as FAB reads it: with a password, or by single sign-on.

Without ``OIDC_ISSUER`` Airflow keeps people and passwords. With it they come from an OpenID
provider such as Keycloak, and their groups there say which roles they have, anew at each login.
docs/deploy.md has the settings of Keycloak that belong to this.
"""

import os

from flask_appbuilder.const import AUTH_DB, AUTH_OAUTH

# Forms carry a token of their own.
WTF_CSRF_ENABLED = True
# Guesses of passwords are counted by all processes together, and by each while Redis is away.
RATELIMIT_STORAGE_URI = os.environ.get("RATELIMIT_STORAGE_URI", "memory://")
RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = True

if issuer := os.environ.get("OIDC_ISSUER", "").rstrip("/"):
    AUTH_TYPE = AUTH_OAUTH
    OAUTH_PROVIDERS = [
        {
            # Part of the redirect address: https://HOST/auth/oauth-authorized/sso
            "name": "sso",
            "icon": "fa-key",
            "token_key": "access_token",
            "remote_app": {
                "client_id": os.environ["OIDC_CLIENT_ID"],
                "client_secret": os.environ["OIDC_CLIENT_SECRET"],
                "server_metadata_url": f"{issuer}/.well-known/openid-configuration",
                "client_kwargs": {
                    "scope": "openid email profile",
                    "code_challenge_method": "S256",
                },
            },
        }
    ]
    # A person is made at the first login, and may do nothing unless a group says so.
    AUTH_USER_REGISTRATION = True
    AUTH_USER_REGISTRATION_ROLE = "Public"
    AUTH_ROLES_SYNC_AT_LOGIN = True
    # "Documents" shows the entry in Airflow's navigation to those below Op (deploy/prepare.py).
    AUTH_ROLES_MAPPING = {
        "doclife-viewer": ["Viewer", "Documents"],
        "doclife-user": ["User", "Documents"],
        "doclife-op": ["Op"],
        "doclife-admin": ["Admin"],
    }
else:
    AUTH_TYPE = AUTH_DB
