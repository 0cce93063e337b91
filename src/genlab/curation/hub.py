"""Texts to a hub: refused for private packs, and tried for the token before anything is paid for."""

import os
import re
from pathlib import Path

from genlab.curation.making import CARD
from genlab.skills.pack import Pack

TOKEN = "HF_TOKEN"


def expect_pushable(pack: Pack | None, repo: str) -> None:
    """Check that texts, made of a pack or of none, may go to a hub, and that it will take them from us.

    Raises:
        ValueError: the pack is private, ``repo`` is no owner/name, no token stands in the environment, or the hub refuses it.
    """
    if pack is not None and pack.private:
        raise ValueError(f"pack {pack.name} is private, and its texts show what its skills are: they are not pushed")
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repo):
        raise ValueError(f"a data set on the hub is named owner/name, got {repo!r}")
    if not os.environ.get(TOKEN):
        raise ValueError(f"pushing wants a token with the right to write, in the environment: export {TOKEN}=...")
    from huggingface_hub import HfApi

    try:
        HfApi(token=os.environ[TOKEN]).whoami()
    except Exception as error:
        raise ValueError(f"the hub does not take the token in {TOKEN}, or is out of reach: {_line(error)}") from error


def push(folder: Path, repo: str) -> str:
    """Push a finished folder's rows and card as a private data set, which its owner may make public; returns its address.

    Logs stay here.

    Raises:
        ValueError: the hub refuses; what lies here is whole, and the same command pushes it again.
    """
    from datasets import load_from_disk
    from huggingface_hub import DatasetCard, HfApi

    token = os.environ[TOKEN]
    api, data = HfApi(token=token), load_from_disk(str(folder))
    try:
        api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
        DatasetCard((folder / CARD).read_text("utf-8")).push_to_hub(repo, token=token, repo_type="dataset")
        data.push_to_hub(repo, token=token)  # adds to the card what it says of the files
    except Exception as error:
        raise ValueError(
            f"the texts are in {folder}, and the hub did not take them: {_line(error)}. The same command tries again"
        ) from error
    return f"{api.endpoint}/datasets/{repo}"


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
