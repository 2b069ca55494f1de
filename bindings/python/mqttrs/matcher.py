"""Topic filters and the topics that they match."""

from __future__ import annotations

from typing import Any, Iterator


class MQTTMatcher:
    """A mapping from topic filters to values that is asked by topic.

    `matcher[filter] = value` and `del matcher[filter]` as with a dictionary; `iter_match(topic)`
    gives the values of all filters that match. Its cost depends on the levels of the topic, not
    on the number of filters. None is no value: it stands for nothing.
    """

    class Node:
        """A level of some filters: what follows, and the value of the filter that ends here."""

        __slots__ = ("below", "value")

        def __init__(self) -> None:
            self.below: dict[str, MQTTMatcher.Node] = {}
            self.value: Any = None

    def __init__(self) -> None:
        self._root = self.Node()

    def __setitem__(self, key: str, value: Any) -> None:
        node = self._root
        for level in key.split("/"):
            following = node.below.get(level)
            if following is None:
                following = node.below[level] = self.Node()
            node = following
        node.value = value

    def __getitem__(self, key: str) -> Any:
        return self._path(key)[-1].value

    def __delitem__(self, key: str) -> None:
        path = self._path(key)
        path[-1].value = None
        levels = key.split("/")
        while levels and not path[-1].below and path[-1].value is None:
            path.pop()
            del path[-1].below[levels.pop()]

    def _path(self, key: str) -> list[MQTTMatcher.Node]:
        path = [self._root]
        for level in key.split("/"):
            node = path[-1].below.get(level)
            if node is None:
                raise KeyError(key)
            path.append(node)
        if path[-1].value is None:
            raise KeyError(key)
        return path

    def iter_match(self, topic: str) -> Iterator[Any]:
        """The values of the filters that match `topic`, names before `+` before `#`.

        Filters that begin with a wildcard do not match topics that begin with `$` (MQTT 5.0
        section 4.7.2).
        """
        levels = topic.split("/")
        # Nodes still to visit, each with its depth; negative: only a value to hand out.
        waiting = [(self._root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if depth < 0:
                yield node.value
                continue
            wildcards = depth > 0 or not topic.startswith("$")
            rest = node.below.get("#") if wildcards else None
            if rest is not None and rest.value is not None:
                waiting.append((rest, -1))
            if depth == len(levels):
                if node.value is not None:
                    yield node.value
                continue
            any_name = node.below.get("+") if wildcards else None
            if any_name is not None:
                waiting.append((any_name, depth + 1))
            name = node.below.get(levels[depth])
            if name is not None:
                waiting.append((name, depth + 1))
