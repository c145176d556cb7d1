"""The latest warnings of the log are kept for people."""

from __future__ import annotations

from twisted.logger import Logger, LogLevel, LogPublisher

from bridge.system.problems import MAX_PROBLEMS, MAX_TEXT, RecentProblems


def kept(*events: tuple[LogLevel, str]) -> list[dict[str, object]]:
    problems = RecentProblems()
    log = Logger(observer=LogPublisher(problems))
    for level, text in events:
        log.emit(level, "{text}", text=text)
    return problems.overview()


def test_warnings_and_errors_only() -> None:
    """What is only told is no problem."""
    told = kept((LogLevel.info, "a"), (LogLevel.warn, "b"), (LogLevel.error, "c"), (LogLevel.critical, "d"))
    assert [(one["level"], one["text"]) for one in told] == [("warning", "b"), ("error", "c"), ("error", "d")]


def test_repeated_ones_are_counted() -> None:
    """The newest stands last."""
    told = kept((LogLevel.warn, "a"), (LogLevel.warn, "b"), (LogLevel.warn, "a"))
    assert [(one["text"], one["count"]) for one in told] == [("b", 1), ("a", 2)]
    assert str(told[0]["at"]).endswith("Z")


def test_memory_is_bounded() -> None:
    """Many and long ones are cut; only the first line is kept, without controls."""
    told = kept(*((LogLevel.warn, f"{number} \x1b" + "x" * 5000 + "\nsecond line") for number in range(100)))
    assert len(told) == MAX_PROBLEMS
    assert all(len(str(one["text"])) <= MAX_TEXT and str(one["text"]).isprintable() for one in told)
