"""No functions that stand for groups of ops: the compiler joins ops itself here."""

IS_WORTH_IT = False
"""Whether groups are to be looked for."""
