"""What the shell's Tab key offers: names that can be had at once, without anything heavy (``genlab --install-completion``)."""

import typer


def studies(incomplete: str) -> list[str]:
    """Names of the studies that begin with what is typed."""
    from genlab.studies.catalogue import STUDIES

    return [name for name in STUDIES if name.startswith(incomplete)]


def presets(context: typer.Context, incomplete: str) -> list[str]:
    """Presets of the study that is named before; of each study where none is."""
    from genlab.studies import catalogue

    # an option that still lacks its value ends the parsing early, with what came before it left in args
    named = context.params.get("study") or next(iter(context.args), None)
    asked = [named] if named in catalogue.STUDIES else [] if named else list(catalogue.STUDIES)
    names = dict.fromkeys(preset for study in asked for preset in catalogue.presets(study))
    return [name for name in names if name.startswith(incomplete)]


def packs(incomplete: str) -> list[str]:
    """Names of the shipped packs that begin with what is typed."""
    from genlab.skills.pack import SHIPPED

    return [name for name in SHIPPED if name.startswith(incomplete)]
