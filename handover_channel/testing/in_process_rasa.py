"""Loads a trained model of Rasa's, and runs the bot's own actions, in this process and without a server.

Rasa calls its action server by an *endpoint*; the one here runs rasa_sdk's executor, with what it is given
and what it returns as JSON, so that an action that cannot be called over HTTP cannot be called here either.

Rasa 3.6.21: `rasa.core.actions.action.RemoteAction`, https://rasa.com/docs/rasa/action-server.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import warnings
from pathlib import Path
from typing import Any, Dict

from handover_channel import log
from handover_channel.errors import HandoverError

logger = log.logger(__name__)


class ActionsInProcess:
    """Stands for Rasa's `EndpointConfig` of the action server, and is one in what Rasa asks of it."""

    url = "the actions in this process"

    def __init__(self, package: str) -> None:
        self.kwargs: Dict[str, Any] = {}
        self._executor = _executor_of(package)

    async def request(self, **more: Any) -> Any:
        """Run the action that *json* names, and return what the action server would answer.

        Raises Rasa's ClientResponseError: 400 where the action rejects to run, 404 for one that is not there,
        500 where it fails.
        """
        from rasa.utils.endpoints import ClientResponseError
        from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

        call = json.loads(json.dumps(more["json"]))
        try:
            return json.loads(json.dumps(await self._executor.run(call)))
        except ActionExecutionRejection as error:
            answer = json.dumps({"error": error.message, "action_name": error.action_name})
            raise ClientResponseError(400, "Bad Request", answer) from None
        except ActionNotFoundException as error:
            answer = json.dumps({"error": error.message, "action_name": error.action_name})
            raise ClientResponseError(404, "Not Found", answer) from None
        except Exception as error:
            logger.error("action %s failed: %s", call.get("next_action"), log.trace(error))
            raise ClientResponseError(500, "Internal Server Error", "{}") from error


def newest_model(folder: Path) -> Path:
    """Return the model that `rasa run` would take: the newest in *folder*/models. Raises HandoverError."""
    found = sorted((folder / "models").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise HandoverError(f"{folder / 'models'} has no model -> train the bot there: rasa train")
    return found[-1]


def load_agent(model: Path, actions: str) -> Any:
    """Return Rasa's agent with this model, the actions of the module *actions*, and trackers in memory.

    Raises HandoverError where Rasa is not installed, or cannot load the model.
    """
    # Those of Rasa and TensorFlow are no fault of a test's. Recorded, as what they import resets the filters.
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("ignore")
        return _load_agent(model, actions)


def _load_agent(model: Path, actions: str) -> Any:
    with contextlib.suppress(ImportError):
        import skops.io  # type: ignore[import-untyped]  # noqa: F401  (before Rasa: its import then takes a sixth of the time)
    try:
        from rasa.core.agent import Agent
        from rasa.shared.exceptions import RasaException
        from rasa.utils.log_utils import configure_structlog
    except ImportError as error:
        raise HandoverError(
            f"a bot is tested in process with Rasa, and {error.name} is not installed -> "
            "pip install 'rasa-handover[rasa]', or test it over HTTP"
        ) from None
    configure_structlog(logging.WARNING)  # unconfigured it prints every prediction
    try:
        return Agent.load(model, action_endpoint=ActionsInProcess(actions))
    except (RasaException, OSError, ValueError) as error:
        raise HandoverError(
            f"{model} cannot be loaded ({type(error).__name__}: {error}) -> train the bot again: rasa train"
        ) from error


def _executor_of(package: str) -> Any:
    from rasa_sdk.executor import ActionExecutor

    executor = ActionExecutor()
    if importlib.util.find_spec(package) is None:
        return executor  # a bot without actions of its own
    try:
        executor.register_package(package)
    except SystemExit:  # what the action server makes of an import that fails; its traceback is in the log
        raise HandoverError(
            f"the actions in {package!r} cannot be imported -> python -c 'import {package}' says why"
        ) from None
    return executor
