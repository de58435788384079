"""What the login by OpenID Connect needs: all of it, or it cannot be used.

It owns which settings belong together. What they mean stands in values.py.
"""

from chargeline.settings.values import Settings

_PLAIN = (
    "workbench_oidc_issuer",
    "workbench_oidc_client_id",
    "workbench_address",
    "workbench_roles",
)
PROVIDER = (*_PLAIN, "workbench_oidc_client_secret")


def is_half_a_provider(settings: Settings) -> bool:
    """Whether one of the settings of the provider is empty."""
    plain = [getattr(settings, name) for name in _PLAIN]
    return not all([*plain, settings.secret("workbench_oidc_client_secret")])
