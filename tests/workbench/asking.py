"""A workbench over a real ledger, with a processor that owns the visits, and people who ask it.

The pages are asked without a socket. Whatever a person says reaches the drafts as in the live
service: through the ledger and its outbox. All people and patients are invented.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from chargeline.ledger.store import Ledger
from chargeline.published.inbound import record_key
from chargeline.settings import Settings
from chargeline.workbench.app import make_app
from chargeline.workbench.bench import Bench
from chargeline.workbench.people import People
from chargeline.workbench.program import bench_over
from chargeline.workbench.rights import Role
from chargeline.workbench.security import Allowance
from chargeline.workbench.tokens import WantedToken, add_token
from tests.drafting.test_processor import NOW
from tests.drafting.test_processor import Bench as Partitions

DEVELOPMENT = {"workbench_login": "development"}
PRICES = "code,cents\n96409,26000\n96413,61200\n96415,14500\nJ9045,350\n"


class Standing:
    """A ledger, the program that owns its visits, and the workbench over it."""

    def __init__(self, ledger: Ledger, bench: Bench) -> None:
        self.ledger = ledger
        self.partitions = Partitions(ledger)
        self.now = NOW
        idle = timedelta(minutes=bench.settings.workbench_idle_minutes)
        people = People(ledger, idle, lambda: self.now)
        self.bench = bench._replace(people=people, clock=lambda: self.now)
        self.app = make_app(self.bench)

    def allow(self, posts: Allowance) -> None:
        """Let each session send so many forms."""
        self.take(self.bench._replace(posts=posts))

    def take(self, bench: Bench) -> None:
        """Go on with a workbench of other settings or allowances."""
        self.bench = bench
        self.app = make_app(bench)

    async def hear(self, *messages: str, facility: str = "ZEBRA", visit: str = "V1") -> None:
        """Draft a visit from messages, as a capture does."""
        key = record_key(facility, visit)
        await self.partitions.feed([(key, message.encode(), {}) for message in messages])

    async def draft_again(self) -> None:
        """Let the owner of the visits work off what the workbench announced."""
        await self.partitions.feed(await self.partitions.drain())

    async def acts(self, did: str) -> list[Any]:
        """The rows of the audit trail of one kind."""
        async with self.ledger.view() as view:
            return [row for row in await view.acts(0, 1_000) if row.did == did]

    @property
    def app_state(self) -> Any:
        """What the application inside keeps."""
        app: Any = self.app
        while not hasattr(app, "state"):
            app = getattr(app, "_app", None) or app.app
        return app.state

    def client(self) -> httpx.AsyncClient:
        """Somebody's browser, which is not logged in."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost")

    async def person(self, name: str = "O. Okapi", *roles: str) -> "Asker":
        """Somebody with roles, a coder if none is said, who has logged in."""
        client = self.client()
        form = {"name": name, "role": list(roles or ("coder",))}
        answer = await client.post("/login", data=form)
        assert answer.status_code == 303, answer.text
        return Asker(client)


async def standing_over(
    ledger: Ledger, folder: Path, login: Mapping[str, Any] = DEVELOPMENT
) -> Standing:
    """A workbench over a ledger that has its tables, to which people log in so."""
    prices = folder / "prices.csv"
    prices.write_text(PRICES)
    settings = Settings(prices=prices, default_policy="guide-2026", **login)
    standing = Standing(ledger, bench_over(settings, ledger))
    await standing.partitions.claim()
    return standing


class Asker:
    """A person's browser: it keeps the cookie, and sends the token of the last page with a form."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.token = ""

    async def get(self, address: str, **more: Any) -> httpx.Response:
        """Ask for a page."""
        answer = await self.client.get(address, **more)
        token = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.token = token.group(1) if token else self.token
        return answer

    async def post(self, address: str, follow: bool = True, **form: Any) -> httpx.Response:
        """Send a form; a redirect is followed, as a browser does."""
        sent = {"csrf": self.token, **form}
        return await self.client.post(address, data=sent, follow_redirects=follow)


def text_of(page: httpx.Response) -> str:
    """A page without its tags, blanks as one."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.text).split())


async def program(standing: Standing, *roles: Role, name: str = "bi") -> httpx.AsyncClient:
    """A program that comes with a token of some roles, a coder's if none is said."""
    wanted = WantedToken(name, roles or ("coder",), 90, who="L. Lemur", why="a trial")
    token, _row = await add_token(standing.ledger, wanted, standing.now)
    client = standing.client()
    client.headers["authorization"] = f"Bearer {token}"
    return client
