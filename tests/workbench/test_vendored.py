"""What a browser loads lies in the package, as it was published, with its licence."""

from hashlib import sha256

from chargeline.workbench.pages import HTMX, STATIC_FILES

# Of dist/htmx.min.js in the package htmx.org, version 2.0.11.
PUBLISHED = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_htmx_is_what_was_published_and_has_its_licence() -> None:
    """A change of the file would be a change of what runs in every coder's browser."""
    assert sha256((STATIC_FILES / HTMX).read_bytes()).hexdigest() == PUBLISHED
    assert "Zero-Clause BSD" in (STATIC_FILES / "htmx-LICENSE.txt").read_text()


def test_pages_load_nothing_from_elsewhere() -> None:
    """No template and no style sheet names another host."""
    folder = STATIC_FILES.parent
    files = [*folder.rglob("*.html"), *folder.rglob("*.css"), *folder.rglob("keys.js")]
    assert files
    for path in files:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text and "@import" not in text, path
