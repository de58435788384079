"""Claims about docs/kubernetes.md, and what docs/production.md says of Kubernetes: what they tell a
person to type is accepted, and is enough.

No cluster runs here. Each command is held against what it acts on: Helm renders with the options of
each `helm` line, the secrets that are made are those that the pods ask for, the command line
accepts what runs in a pod, and the Dockerfile has what is built.
"""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise

import pytest

from chargeline import cli
from chargeline.version import VERSION
from tests.chart.helm import CHART, REPOSITORY, Rendered, Values, objections, pods, with_set
from tests.chart.helm import rendered as rendering_of
from tests.chart.mounted import secrets_of
from tests.image.dockerfile import read
from tests.test_documentation import PRODUCTION, blocks, text_of

PAGE = "docs/kubernetes.md"
ACTIONS = {"install", "upgrade", "test", "rollback", "uninstall"}


def commands(program: str, page: str = PAGE) -> list[list[str]]:
    """The words of each command of a program in a page's sh blocks, without comments, and in its
    backticks.
    """
    text = "".join(blocks(page, "sh")).replace("\\\n", " ")
    lines = [*text.splitlines(), *re.findall(rf"`({program} -n [^`]+)`", text_of(page))]
    split = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in split if words and words[0] == program]


def my_values() -> Values:
    """The values that the page has a person write."""
    import helm_python

    (block,) = blocks(PAGE, "yaml")
    assert block.startswith("# my-values.yaml\n")
    values: Values = helm_python.values_from_yaml(block)
    return values


def options(words: list[str], name: str) -> Iterator[str]:
    """The values of an option on a command line, in order."""
    for word, after in pairwise(words):
        if word == name:
            yield after


def values_on(words: list[str]) -> Values:
    """The values of a `helm install` or `upgrade`: its file, its --set and its --set-file."""
    values: Values = my_values() if list(options(words, "-f")) == ["my-values.yaml"] else {}
    values = with_set(values, *options(words, "--set"))
    for expression in options(words, "--set-file"):
        keys = [pair.split("=")[0] for pair in expression.split(",")]
        values = with_set(values, ",".join(f"{key}=text of the file" for key in keys))
    return values


def releases() -> dict[str, Rendered]:
    """What each `helm install` of the page renders, by the name of the release."""
    import helm_python

    rendered = {}
    for words in commands("helm"):
        if "install" in words:
            name = words[words.index("install") + 1]
            with helm_python.Chart.load(CHART) as chart:
                chart.validate_schema(values_on(words))
            rendered[name] = rendering_of(values_on(words), release=name)
    return rendered


def with_console() -> Rendered:
    """What the upgrade of the page renders that brings the console."""
    (upgrade,) = [words for words in commands("helm") if "jobs.console.enabled=true" in words]
    return rendering_of(values_on(upgrade))


def test_helm_accepts_every_line() -> None:
    """Each `helm` line names our chart and a release of the page; each set of values renders."""
    lines = commands("helm")
    assert len(lines) > 8
    for words in [*lines, *commands("helm", PRODUCTION)]:
        (action,) = ACTIONS & set(words)
        assert words[words.index(action) + 1] in ("ward", "trial")
        if action in ("install", "upgrade"):
            assert "helm/chargeline" in words
            assert objections(values_on(words)) == [], words


def test_the_secrets_that_are_made_are_those_that_pods_ask_for() -> None:
    """Name and key of each: none is missing, and none is made for nothing."""
    made_here = set()
    for words in commands("kubectl"):
        if "secret" not in words:
            continue
        kind, name, *rest = words[words.index("secret") + 1 :]
        keys = {"tls.crt", "tls.key"} if kind == "tls" else set()
        for option in rest:
            if (key := re.match(r"--from-(?:literal|file)=([^=]+)=", option)) and kind == "generic":
                keys.add(key[1])
        made_here |= {(name, key) for key in keys}
    upgrades = [words for words in commands("helm") if "upgrade" in words]
    wanted = set()
    for rendered in [rendering_of(values_on(words)) for words in upgrades]:
        wanted |= {secret for pod in pods(rendered) for secret in secrets_of(pod)}
        for ingress in rendered.of("Ingress").values():
            names = [place["secretName"] for place in ingress["spec"]["tls"]]
            wanted |= {(name, key) for name in names for key in ("tls.crt", "tls.key")}
    assert made_here == wanted


def test_the_archive_of_rules_is_the_one_that_is_mounted() -> None:
    """The ConfigMap and its key are those of the upgrade on the next line."""
    (words,) = [words for words in commands("kubectl") if "configmap" in words]
    name = words[words.index("configmap") + 1]
    (upgrade,) = [
        words for words in commands("helm") if f"rules.existingConfigMap={name}," in str(words)
    ]
    (pod, *_others) = [
        pod for pod in pods(rendering_of(values_on(upgrade))) if pod.component == "capture"
    ]
    (volume,) = [v["configMap"] for v in pod.spec["volumes"] if v["name"] == "rules-archive"]
    assert (volume["name"], f"--from-file={volume['items'][0]['key']}") == (name, words[-1])


@pytest.mark.parametrize(("page", "least"), [(PAGE, 7), (PRODUCTION, 4)])
def test_what_runs_in_a_pod_runs_there(page: str, least: int) -> None:
    """Each `kubectl exec` names a pod of a release of the page, or a job that the page makes of the
    console before, and words that it takes.
    """
    ran, sessions = 0, set[str]()
    for words in commands("kubectl", page):
        if "create" in words and "job" in words:
            name, source = words[words.index("job") + 1 :]
            assert source.removeprefix("--from=cronjob/") in with_console().of("CronJob")
            sessions.add(name)
        if "exec" not in words:
            continue
        pod, dashes, program, *rest = [w for w in words[words.index("exec") + 1 :] if w != "-i"]
        assert dashes == "--"
        if pod.startswith("job/"):
            assert pod.removeprefix("job/") in sessions
        else:
            sets = releases()[pod.split("-")[0]].of("StatefulSet")
            assert pod in {f"{name}-0" for name in sets}
        if program == "chargeline":
            rest = ["2026-03-02T02:10:00+00:00" if word == "$AS_OF" else word for word in rest]
            assert cli._parser().parse_args(rest).run
        elif program == "tail":
            (spec,) = [one["spec"]["template"]["spec"] for one in sets.values()]
            assert rest[-1] in spec["containers"][0]["args"]
        else:
            copied = re.fullmatch(r"cat > /tmp/(\S+)", rest[1])
            assert (program, rest[0]) == ("sh", "-c") and copied
            assert rest[2:] == ["<", copied[1]], "the file is called in the pod as it was outside"
        ran += 1
    assert ran >= least


def test_a_restore_stops_and_starts_what_the_chart_has() -> None:
    """The objects that it scales, waits for and removes are those of the chart, by their names and
    labels; the same captures are started that were stopped, as many as the values say.
    """
    lines = commands("kubectl", PRODUCTION)
    captures = with_console().of("StatefulSet")
    scaled = [words[words.index("scale") + 1 :] for words in lines if "scale" in words]
    (name,) = captures
    count = captures[name]["spec"]["replicas"]
    assert scaled == [["statefulset", name, f"--replicas={number}"] for number in (0, count)]
    components = {pod.component for pod in pods(with_console())}
    for words in lines:
        for key, value in re.findall(r"--selector=(\S+)=(\S+)", " ".join(words)):
            if key == "app.kubernetes.io/component":
                assert value in components, words
            else:  # Kubernetes gives it to the pods of a job
                assert (key, value) == ("batch.kubernetes.io/job-name", "restore")
    paused = {words[words.index("scaledobject") + 1] for words in lines if "annotate" in words}
    scaling = rendering_of(with_set(my_values(), "keda.enabled=true"))
    assert paused == scaling.of("ScaledObject").keys()
    assert sum("annotate" in words for words in lines) == 2


@pytest.mark.parametrize(
    ("kind", "pattern"), [("Job", r"logs job/([a-z-]+)"), ("Service", r"service `([a-z-]+)`")]
)
def test_named_objects_exist(kind: str, pattern: str) -> None:
    """Jobs and services that the page names are rendered under these names."""
    text = (REPOSITORY / PAGE).read_text("utf-8")
    names = set(re.findall(pattern, text))
    assert names and names <= releases()["ward"].of(kind).keys()


def test_the_image_is_built_as_the_dockerfile_says() -> None:
    """The tag is our version; the Dockerfile has each build argument and writes the file."""
    build, _push, run = commands("docker")
    (tag,) = options(build, "--tag")
    assert tag.endswith(f"/chargeline:{VERSION}") and build[-1] == "."
    text = (REPOSITORY / PAGE).read_text("utf-8")
    named = set(re.findall(r"--build-arg ([A-Z_]+)=", text))
    stages = read(REPOSITORY / "Dockerfile")
    arguments = {name for stage in stages for one in stage.of("ARG") for name in one.pairs}
    assert named and named <= arguments
    assert run[run.index(tag) + 1] in stages[0].of("RUN")[-1].text


def test_every_example_is_linked() -> None:
    """The sets of values that the page links are files, and every value it names is one."""
    import helm_python

    text = (REPOSITORY / PAGE).read_text("utf-8")
    with helm_python.Chart.load(CHART) as chart:
        defaults = chart.values
    rare = {"jobs.migrate.ledgerSecret", "programs.workbench.ledgerSecret"}
    for path in set(re.findall(r"`([a-z][A-Za-z]*(?:\.[a-zA-Z]+)+)`", text)) - rare:
        if path.startswith(tuple(f"{key}." for key in defaults)):
            place = defaults
            for key in path.split("."):
                assert key in place, path
                place = place[key]
