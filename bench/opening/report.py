"""The record and its Markdown form."""

from __future__ import annotations

from statistics import median
from typing import Any

TITLES = {
    "tensorflow": "`tf.saved_model.load`, signatures and variables listed",
    "anyhub": "anyhub: endpoints and variables listed, every value mapped",
    "anyhub_bytes": "anyhub: the same, and every byte of every value added up",
    "inspect": "`hub.inspect`, which also finds values stored twice",
}
MIB = 2**20
NOTES = """\
Every measurement is a new process; the programs take turns in {rounds} rounds, after runs that are
not measured and leave all imports byte-compiled and all files in the page cache. Cells are
medians, with the smallest and the largest in parentheses; "times" are those of the ratios of
measurements of the same round, TensorFlow's to ours. "Opening" is the operation alone, after the
imports and, for TensorFlow, after its runtime has started; "process" is all from start to end of
the process. The others compete with TensorFlow's opening, which holds the values in memory when
it is done. "Peak RSS" is that of the process (`ru_maxrss`); "growth" is the peak during the
operation less the RSS before it; "own growth" is the growth without pages of files: those the
kernel shares between processes and drops when it needs room, and a mapped value counts among
them only once it is touched. What opening takes in anyhub is the graph and the lists, not values.
Keras stores every value twice. The sums of the bits of all values, in anyhub and in TensorFlow,
are compared and equal. The outputs before and after `compact` are TensorFlow's, for the same random
inputs. The encoder has BERT-base's sizes; weights are random, and no two tensors are alike."""


def summarize(samples: list[dict[str, Any]], base: list[dict[str, Any]]) -> dict[str, Any]:
    """Summarize the measurements of a program, and compare them with those of TensorFlow."""
    names = ("seconds", "process_seconds", "cpu_seconds")
    names += ("peak_rss", "peak_growth", "anonymous_growth")
    result: dict[str, Any] = {name: spread([s[name] for s in samples]) for name in names}
    pairs = list(zip(base, samples, strict=True))
    result["times_faster"] = spread([b["seconds"] / s["seconds"] for b, s in pairs])
    result["times_faster_process"] = spread(
        [b["process_seconds"] / s["process_seconds"] for b, s in pairs]
    )
    return result


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def markdown(record: dict[str, Any]) -> str:
    """The tables with what is needed to judge them."""
    facts = ", ".join(f"{name} {value}" for name, value in record["facts"].items())
    lines = ["# Opening models", "", f"{facts}.", "", *_ratios(record["models"])]
    for name, model in record["models"].items():
        lines += ["", f"## {name}", "", *_details(model)]
    lines += ["", NOTES.format(rounds=record["facts"]["rounds"])]
    return "\n".join(lines) + "\n"


def _ratios(models: dict[str, Any]) -> list[str]:
    columns = [_headlines(model) for model in models.values()]
    lines = [f"| | {' | '.join(models)} |", "|---" * (len(models) + 1) + "|"]
    return lines + [f"| {row} | {' | '.join(c[row] for c in columns)} |" for row in columns[0]]


def _headlines(model: dict[str, Any]) -> dict[str, str]:
    ours, theirs = model["programs"]["anyhub"], model["programs"]["tensorflow"]
    every_byte, inspect = model["programs"]["anyhub_bytes"], model["programs"]["inspect"]
    shrinking = model["compaction"]
    return {
        "opening: anyhub is faster by": _times(ours["times_faster"]),
        "opening, whole process with imports": _times(ours["times_faster_process"]),
        "opening and reading every byte of every value": _times(every_byte["times_faster"]),
        "opening and reading every byte, whole process": _times(every_byte["times_faster_process"]),
        "`hub.inspect` against TensorFlow's opening": _times(inspect["times_faster"]),
        "peak RSS: anyhub, TensorFlow": _both(ours["peak_rss"], theirs["peak_rss"]),
        "growth by opening: anyhub, TensorFlow": _both(ours["peak_growth"], theirs["peak_growth"]),
        "values stored": f"{model['weight_bytes'] / MIB:,.1f} MiB",
        "size after `compact` / before": f"**{shrinking['after'] / shrinking['before']:.4f}**",
        "largest difference of outputs after `compact`": f"{shrinking['max_difference']:g}",
    }


def _both(ours: dict[str, float], theirs: dict[str, float]) -> str:
    return f"**{ours['median'] / MIB:,.1f} MiB**, {theirs['median'] / MIB:,.1f} MiB"


def _details(model: dict[str, Any]) -> list[str]:
    counts, shrinking = model["counts"], model["compaction"]
    text = (
        f"{model['parameters']:,} parameters; {shrinking['before'] / MIB:,.1f} MiB on disk, of "
        f"that {model['graph_bytes'] / MIB:.1f} MiB `saved_model.pb`; {counts['variables']} stored "
        f"variables, {counts['signatures']} signatures, {counts['functions']} functions. `compact` "
        f"leaves {shrinking['after'] / MIB:,.1f} MiB, in {shrinking['seconds']:.1f} s; the outputs "
        f"range over {shrinking['output_range']:.3g}."
    )
    columns = "opening, ms | process, ms | peak RSS, MiB | growth, MiB | own growth, MiB"
    lines = [text, "", f"| | {columns} |", "|---" * 6 + "|"]
    memory = ("peak_rss", "peak_growth", "anonymous_growth")
    for program, title in TITLES.items():
        found = model["programs"][program]
        cells = [_range(found[name], 1000) for name in ("seconds", "process_seconds")]
        cells += [_range(found[name], 1 / MIB) for name in memory]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _times(values: dict[str, float]) -> str:
    least, most = values["min"], values["max"]
    return f"**{values['median']:.1f} times** ({least:.1f} to {most:.1f})"


def _range(values: dict[str, float], factor: float) -> str:
    middle, least, most = (values[name] * factor for name in ("median", "min", "max"))
    digits = 1 if middle < 100 else 0
    return f"{middle:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})"
