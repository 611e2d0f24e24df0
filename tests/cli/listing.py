"""What is in a folder."""


def files(folder):
    """The names of all files below it, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
