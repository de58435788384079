"""Claims about a `serve` whose ledger was put back: the page's command copies it while it runs, and
what is sent once more brings it to where it was.
"""

import subprocess
import sys
from collections.abc import Callable

from tests.drafting.test_processor import by_code
from tests.test_documentation import PRODUCTION, blocks

from . import Served, deliver, drafted, feed


async def test_a_copy_that_was_put_back_catches_up_by_what_is_sent_again(
    served: Callable[..., Served],
) -> None:
    """Half a feed, a copy, the other half; the ledger is lost, and the whole feed comes again."""
    service = served()
    ledger, copy = service.folder / "ledger.sqlite", service.folder / "copy.sqlite"
    service.start()
    await service.ready()
    messages = feed(20, 35)
    await deliver(messages[: len(messages) // 2], service.port)
    (block,) = [text for text in blocks(PRODUCTION, "sh") if "VACUUM" in text]
    here = block.replace("chargeline.sqlite", ledger.name).replace("python3", sys.executable)
    subprocess.run(["bash", "-e", "-c", here], cwd=service.folder, check=True)
    await deliver(messages[len(messages) // 2 :], service.port)
    assert await service.stop() == 0, service.said()
    for name in ("", "-wal", "-shm"):
        ledger.with_name(ledger.name + name).unlink(missing_ok=True)
    copy.replace(ledger)
    service.start()
    await service.ready()
    await deliver(messages, service.port)
    assert await service.stop() == 0, service.said()
    assert drafted(service.events()) == by_code(messages)
