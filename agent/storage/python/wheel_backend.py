# SPDX-License-Identifier: Apache-2.0
"""Builds the wheel with nothing but Python (PEP 517, PEP 427), so that it needs no network. It holds the library when
that lies in the package folder; then it is one machine's, and any Python's."""
import base64
import hashlib
import pathlib
import sysconfig
import zipfile

HERE = pathlib.Path(__file__).parent
PACKAGE = HERE / "tapewatch_storage"
NAME, VERSION = "tapewatch_storage", "0.1.0"
FOLDER = f"{NAME}-{VERSION}.dist-info"


def get_requires_for_build_wheel(config_settings=None):
    return []


def tag():
    if not list(PACKAGE.glob("*.so*")):
        return "py3-none-any"
    return "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")


def metadata():
    return (f"Metadata-Version: 2.1\nName: tapewatch-storage\nVersion: {VERSION}\n"
            "Summary: SQLite with one writer, group commit and streams, for asyncio\nLicense: Apache-2.0\n"
            "Requires-Python: >=3.10\nProvides-Extra: test\nRequires-Dist: pytest>=7; extra == 'test'\n")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    root = "false" if list(PACKAGE.glob("*.so*")) else "true"
    files = {f"{NAME}/{path.name}": path.read_bytes() for path in sorted(PACKAGE.iterdir()) if path.is_file()}
    files[f"{FOLDER}/METADATA"] = metadata().encode()
    files[f"{FOLDER}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: tapewatch\nRoot-Is-Purelib: {root}\n"
                                f"Tag: {tag()}\n").encode()
    record = ""
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files[f"{FOLDER}/RECORD"] = (record + f"{FOLDER}/RECORD,,\n").encode()
    wheel = f"{NAME}-{VERSION}-{tag()}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # The same bytes each time: no time of day goes in.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return wheel
