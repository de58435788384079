"""A workbench over a fresh SQLite ledger, and a browser, for each test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from chargeline.ledger.store import Ledger
from chargeline.workbench.program import answer_requests
from tests.ledger import with_tables

from .asking import Standing, program, standing_over
from .chromium import how_to_launch


@pytest.fixture
async def standing(tmp_path: Path) -> AsyncIterator[Standing]:
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    yield await standing_over(ledger, tmp_path)
    await ledger.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(**how_to_launch())
        yield chromium
        await chromium.close()


@pytest.fixture
async def coder(standing: Standing) -> AsyncIterator[httpx.AsyncClient]:
    """A program that may do what a coder may."""
    async with await program(standing) as client:
        yield client


@pytest.fixture
async def address(standing: Standing) -> AsyncIterator[str]:
    """Where the workbench answers."""
    sock, stop = socket.create_server(("127.0.0.1", 0)), asyncio.Event()
    host, port = sock.getsockname()[:2]
    server = asyncio.create_task(answer_requests(standing.bench, sock, stop))
    yield f"http://{host}:{port}"
    stop.set()
    await server
