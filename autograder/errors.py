"""What a person can mend, as opposed to a defect of ours."""


class AutograderError(Exception):
    """The message says in a sentence what is wrong, and the way out."""

    exit_code = 1
