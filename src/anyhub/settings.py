"""Settings, read from the environment in one place and at call time.

| variable | meaning | default |
|---|---|---|
| `TFHUB_CACHE_DIR` | where fetched models are kept | the user's cache directory |
| `ANYHUB_OFFLINE` | `1`: never use the network | off |
| `ANYHUB_ENGINE` | the engine of `hub.load` when none is given | chosen by what is installed |
| `ANYHUB_KERAS` | `keras` or `tf_keras`: whose layer `hub.KerasLayer` is | the Keras in use |
| `ANYHUB_ALLOW_HTTP` | `1`: plain `http://` to any host, not only to this machine | off |
| `ANYHUB_PROGRESS` | `0` or `1`: never or always show progress | on when stderr is a terminal |
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anyhub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True)
class Settings:
    """What may differ between machines and users.

    Attributes:
        cache_dir: Root directory of the cache.
        offline: Whether the network is forbidden.
        engine: Name of the default engine, None to choose one.
        keras: "keras" or "tf_keras", None to choose one.
        allow_http: Whether plain HTTP is allowed to hosts other than this machine.
        progress: Whether downloads show progress, None for "on a terminal".
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for the next bytes.
        attempts: How often a download is tried before giving up.
    """

    cache_dir: Path
    offline: bool = False
    engine: str | None = None
    keras: str | None = None
    allow_http: bool = False
    progress: bool | None = None
    connect_timeout: float = 20.0
    read_timeout: float = 40.0
    attempts: int = 4

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from environment variables.

        Args:
            environ: The variables to read, `os.environ` by default.

        Raises:
            HubError: A variable has a value that is not accepted.
        """
        env = os.environ if environ is None else environ
        return cls(
            cache_dir=_cache_dir(env),
            offline=_flag(env, "ANYHUB_OFFLINE") or False,
            engine=env.get("ANYHUB_ENGINE") or None,
            keras=_choice(env, "ANYHUB_KERAS", ("keras", "tf_keras")),
            allow_http=_flag(env, "ANYHUB_ALLOW_HTTP") or False,
            progress=_flag(env, "ANYHUB_PROGRESS"),
        )


def _cache_dir(env: Mapping[str, str]) -> Path:
    if chosen := env.get("TFHUB_CACHE_DIR"):
        if "://" in chosen:
            raise HubError(
                f"environment variable TFHUB_CACHE_DIR={chosen!r} is a URL; set it to a directory "
                "of this machine"
            )
        try:
            return Path(chosen).expanduser()
        except RuntimeError as error:
            raise HubError(
                f"environment variable TFHUB_CACHE_DIR={chosen!r} names no home: {error}"
            ) from error
    # Imported here: platformdirs costs a tenth of `import anyhub`.
    import platformdirs

    return Path(platformdirs.user_cache_dir("anyhub", appauthor=False))


def _flag(env: Mapping[str, str], name: str) -> bool | None:
    value = env.get(name)
    if value is None:
        return None
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise HubError(f"environment variable {name}={value!r} is neither on nor off; set it to 0 or 1")


def _choice(env: Mapping[str, str], name: str, accepted: tuple[str, ...]) -> str | None:
    value = env.get(name)
    if not value:
        return None
    if value not in accepted:
        options = " or ".join(repr(option) for option in accepted)
        raise HubError(f"environment variable {name}={value!r} is not known; set it to {options}")
    return value
