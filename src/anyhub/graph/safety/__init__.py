"""The safety gate: finds what a model does besides computing, before anything of it runs.

A SavedModel is a program, and TensorFlow has ops that read and write files, talk to the network and
call Python. The gate walks every graph of a model: the main graphs, the function libraries, and
graphs inside strings. It refuses

- ops by name (`refused/`, a table per family) and every op that is not known (`known_ops`);
- ops of checkpoints that are not the model's own saver (`savers`), and file names that are not the
  model's own assets (`assets`): both by where the name comes from, never by what nodes are called;
- attributes that name files (`attributes`), StableHLO programs with foreign calls (`custom_calls`),
  compiled engines (`tensorrt`);
- graphs that mean two things, or that exhaust memory or the stack (`limits`).

It is a second line of defence and no sandbox.
"""

from anyhub.graph.safety.findings import Family, Finding
from anyhub.graph.safety.gate import list_assets, require_safe
from anyhub.graph.safety.scanning import scan

__all__ = ["Family", "Finding", "list_assets", "require_safe", "scan"]
