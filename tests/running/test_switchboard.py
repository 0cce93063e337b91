"""What runs on a cluster's workers, without a cluster: the switchboard's words, and a call that ends well or badly."""

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from genlab.running.switchboard import Switchboard, Wire


class Post:
    """A switchboard's actor as a wire sees it: keeps what is sent, and answers when told to."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.answers: list[Future[None]] = []
        self.tell = self

    def remote(self, which: Any, content: Any) -> "Post":
        self.sent.append(content)
        self.answers.append(Future())
        return self

    def future(self) -> "Future[None]":
        return self.answers[-1]


def test_a_wire_sends_a_word_only_when_the_last_has_arrived() -> None:
    post = Post()
    wire = Wire(post, ("a", 0))
    wire.send(("progress", {"step": 1}))
    assert post.sent == [{}]  # it has begun; the first word came too fast
    post.answers[-1].set_result(None)
    wire.send(("progress", {"step": 2}))
    wire.send(("progress", {"step": 3}))
    assert post.sent == [{}, {"step": 2}]


def test_news_is_the_last_word_of_each_try_and_waits_for_one() -> None:
    async def talk() -> None:
        board = Switchboard()
        waiting = asyncio.create_task(board.news())
        await asyncio.sleep(0)
        assert not waiting.done()
        await board.tell(("a", 0), {})
        await board.tell(("a", 0), {"step": 1})
        await board.tell(("a", 0), {"step": 2})
        await board.tell(("a", 1), {})
        assert await waiting == {("a", 0): {"step": 2}, ("a", 1): {}}
        await board.tell(("a", 1), {"step": 3})
        assert await board.news() == {("a", 1): {"step": 3}}

    asyncio.run(talk())


def test_the_word_to_stop_reaches_who_waits_and_who_comes_later() -> None:
    async def talk() -> None:
        board = Switchboard()
        waiting = asyncio.create_task(board.until_stopped())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(board.until_stopped(), 0.01)
        await board.stop()
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(board.until_stopped(), 5)

    asyncio.run(talk())
