"""What the Hub's check of the lines at the top of a README.md is documented to refuse.

Sources: https://huggingface.co/docs/hub/model-cards and spaces-config-reference, hub-docs' modelcard.md and
datasetcard.md, and the answers that people report. The real check may know more.
"""

import re

import yaml

LICENCES = """apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0
cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql
ofl-1.1 ncsa unlicense zlib pddl lgpl-lr llama2 llama3 gemma unknown other""".split()
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SIZE = r"n<1K|1K<n<10K|10K<n<100K|100K<n<1M|1M<n<10M|n>1T|other"
PRELOAD = r"[\w.-]+/[\w.-]+( [^\s,]+(,[^\s,]+)*( [0-9a-f]{40})?)?"  # repository file1,file2 revision


def faults_of(text, kind):
    """What is wrong with a card, as the sentences of an answer; none where all is well.

    Args:
        text: of README.md.
        kind: "model", "dataset" or "space".
    """
    front = re.match(r"---[\n\r]+(.*?)[\n\r]+---[\n\r]", text, re.S)
    try:
        data = yaml.safe_load(front[1]) if front else {}
    except yaml.YAMLError as error:
        return [f"bad YAML: {error}"]
    if not isinstance(data, dict):
        return ["the metadata is not a mapping"]
    checks = {"model": _model, "dataset": _dataset, "space": _space}
    return [*_common(data), *checks[kind](data)]


def _common(data):
    stated = data.get("license", [])
    for licence in stated if isinstance(stated, list) else [stated]:
        if licence not in LICENCES:
            yield f'"license" must be one of [{", ".join(LICENCES)}]'
    if stated == "other" and not re.fullmatch(r"[a-z0-9-.]+", str(data.get("license_name", ""))):
        yield '"license_name" fails to match the required pattern: /^[a-z0-9-.]+$/'
    link = data.get("license_link", "LICENSE")
    if not re.fullmatch(r"LICENSE(\.md)?|https?://\S+", str(link)):
        yield '"license_link" must be LICENSE, LICENSE.md or a URL'
    for key in ("tags", "datasets", "models", "model-index", "task_categories", "size_categories", "preload_from_hub"):
        if not isinstance(data.get(key, []), list):
            yield f'"{key}" must be an array'
    if not all(isinstance(tag, str) for tag in data.get("tags") or ()):
        yield '"tags" must be an array of strings'


def _model(data):
    for model in data.get("model-index") or ():
        for result in model.get("results") or ():
            required = {
                "task.type": result.get("task"),
                "dataset.type": result.get("dataset"),
                "dataset.name": result.get("dataset"),
            }
            yield from (
                f'"{key}" is required' for key, part in required.items() if not (part or {}).get(key.split(".")[1])
            )
            for metric in result.get("metrics") or [{}]:
                if not isinstance(metric.get("type"), str) or "value" not in metric:
                    yield '"metrics" need a type and a value'
        if not model.get("name"):
            yield '"model-index[].name" is required'


def _dataset(data):
    for size in data.get("size_categories") or ():
        if not re.fullmatch(SIZE, size):
            yield f'"size_categories" does not know {size}'


def _space(data):
    if data.get("sdk") not in ("gradio", "docker", "static"):
        yield '"sdk" must be one of [gradio, docker, static]'
    for key in ("colorFrom", "colorTo"):
        if data.get(key, "red") not in COLOURS:
            yield f'"{key}" must be one of [{", ".join(COLOURS)}]'
    if len(data.get("short_description", "")) > 60:
        yield '"short_description" length must be less than or equal to 60 characters long'
    for key in ("sdk_version", "python_version"):
        if not isinstance(data.get(key, ""), str):
            yield f'"{key}" must be a string'
    wanted = data.get("preload_from_hub") or []
    if len(wanted) > 10:
        yield "preload models limited to 10"
    if not all(re.fullmatch(PRELOAD, str(line)) for line in wanted):
        yield "invalid preload model spec format, expected [repo_name] [file1,file2,file3]? [revision]?"
