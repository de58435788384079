"""The TLS context of a listener, from the files that the settings name.

It owns which certificates are shown and which are asked for. It listens on nothing.
"""

import ssl
from pathlib import Path


def tls_context(
    certificate: Path | None, private_key: Path | None, authorities: Path | None
) -> ssl.SSLContext | None:
    """The TLS context of PEM files, or None for plain TCP.

    `authorities` sign the certificates of senders; without it a sender needs none. Raises OSError
    if a file cannot be used, ValueError if a certificate is missing.
    """
    if certificate is None:
        if authorities is not None or private_key is not None:
            raise ValueError(
                "expected a certificate beside the private key or the authorities, found none"
            )
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authorities)
    context.load_cert_chain(certificate, private_key)
    if authorities is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
