# SPDX-License-Identifier: Apache-2.0
"""Checks of deploy/, without a Docker daemon: python3 deploy_test.py CHECK ROOMCAST.

Exit status 77 is a skip: the tool that the check needs is not there.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
SKIPPED = 77
# Words in capitals that are no settings.
FOREIGN_WORDS = re.compile(r"SOURCE_DATE_EPOCH|CAP_\w+|AF_\w+")


def skip(reason):
    print("skipped:", reason)
    sys.exit(SKIPPED)


def run(*command):
    """Runs a tool and gives its output; skips without it, fails where it fails."""
    if not shutil.which(command[0]):
        skip(f"{command[0]} is not installed")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    output = result.stdout + result.stderr
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {result.returncode}\n{output}")
    return output


def expect(condition, sentence):
    if not condition:
        sys.exit(sentence)


def read(name):
    return (DEPLOY / name).read_text(encoding="utf-8")


def load_compose():
    try:
        import yaml
    except ImportError:
        skip("python3-yaml is not installed")
    return yaml.safe_load(read("compose.yaml"))


def known_settings(roomcast):
    """Name and default of each setting."""
    page = run(roomcast, "config", "--markdown")
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \| ([^|]*) \|", page, re.MULTILINE)
    expect(len(rows) > 50, "roomcast config --markdown has hardly any settings")
    return {name: default.strip("`") for name, default in rows}


def check_compose_style(_):
    rules = "{extends: default, rules: {line-length: {max: 110}}}"
    run("yamllint", "--strict", "-d", rules, str(DEPLOY / "compose.yaml"))


def check_compose_schema(_):
    run("docker-compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet")


def check_nginx_syntax(_):
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(nginx, "-t", "-c", str(DEPLOY / "nginx.conf"), "-g", f"pid {folder}/pid;")
        except SystemExit as failure:
            if "Permission denied" in str(failure.code):
                skip("nginx opens its folders as root alone")
            raise


def check_unit(roomcast):
    """The real unit, but with the binary that was built: the installed one may not be there."""
    unit = read("roomcast.service")
    expect("\nExecStart=/usr/bin/roomcast\n" in unit, "the unit does not start /usr/bin/roomcast")
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "roomcast.service"
        copy.write_text(unit.replace("/usr/bin/roomcast", roomcast), encoding="utf-8")
        output = run("systemd-analyze", "verify", "--man=no", str(copy))
        # It warns of unknown directives with status 0.
        expect("roomcast.service" not in output, output)


def check_variables(roomcast):
    known = known_settings(roomcast)
    compose = load_compose()
    used = {f"compose.yaml: {name}" for service in compose["services"].values()
            for name in service.get("environment", {})}
    used |= {f"compose.yaml: {name}" for name in
             re.findall(r"\$\{([A-Z0-9_]+)", read("compose.yaml"))}
    used |= {f"roomcast.env: {name}" for name in
             re.findall(r"^#?([A-Z0-9_]+)=", read("roomcast.env"), re.MULTILINE)}
    # In comments too: advice about a setting that is no more is as wrong.
    for name in ("Dockerfile", "compose.yaml", "nginx.conf", "roomcast.service", "roomcast.1"):
        used |= {f"{name}: {word}" for word in
                 re.findall(r"\b([A-Z]+_[A-Z0-9_]+?)(?:_FILE)?\b(?!=)", read(name))}
    unknown = sorted(use for use in used if use.split(": ")[1] not in known
                     and not FOREIGN_WORDS.fullmatch(use.split(": ")[1]))
    expect(len(used) > 15, f"hardly any variable was found: {sorted(used)}")
    expect(not unknown, f"unknown to roomcast: {', '.join(unknown)}")


def seconds(text):
    found = re.fullmatch(r"(\d+)(s|m|h)?", str(text))
    expect(found, f"{text} is no duration")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, None: 1}[found[2]]


def drain_seconds(environment, known):
    return 5 + sum(int(environment.get(name, known[name]))
                   for name in ("DRAIN_DELAY_SECONDS", "DRAIN_SECONDS"))


def check_agreement(roomcast):
    """What stands in two files, or in a file and in the server's defaults."""
    known = known_settings(roomcast)
    services = load_compose()["services"]
    address = {name: service["networks"]["default"]["ipv4_address"]
               for name, service in services.items()}
    gateways = {name: service for name, service in services.items()
                if name.startswith("gateway-")}
    nginx = read("nginx.conf")
    targets = set(re.findall(r"^ *server ([0-9.]+):8080 ", nginx, re.MULTILINE))
    expect(targets == {address[name] for name in gateways},
           f"nginx.conf passes on to {targets}, compose.yaml has {address}")
    expect(len(set(address.values())) == len(services), "two services have one address")
    for name, gateway in gateways.items():
        environment = gateway["environment"]
        expect(environment["TRUSTED_PROXIES"] == address["nginx"], f"{name} trusts not nginx")
        expect(environment["NODE_NAME"] == name, f"{name} is called otherwise")
        expect(seconds(gateway["stop_grace_period"]) > drain_seconds(environment, known),
               f"{name} is killed before its drain is over")
    expect(known["SERVER_ADDR"] == ":8080", "the image exposes 8080")
    stop = re.search(r"^TimeoutStopSec=(.*)$", read("roomcast.service"), re.MULTILINE)[1]
    expect(seconds(stop) > drain_seconds({}, known), "the unit is killed before it has drained")
    shared = seconds(re.search(r"keepalive_timeout (\w+);", nginx)[1])
    expect(shared < int(known["KEEP_ALIVE_SECONDS"]), "nginx keeps connections for too long")
    expect("client_max_body_size 1m;" in nginx and known["MAX_BODY_BYTES"] == str(2**20),
           "nginx and roomcast disagree on bodies")
    expect("large_client_header_buffers 4 16k;" in nginx
           and known["MAX_HEADER_BYTES"] == str(2**14), "nginx and roomcast disagree on headers")


if __name__ == "__main__":
    globals()[f"check_{sys.argv[1]}"](sys.argv[2])
