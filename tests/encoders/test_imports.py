"""What is missing is said before anything is done, and what is not needed is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cmexam_baseline.encoders import EncoderSettings, check_ready, devices
from cmexam_baseline.exam import extras
from cmexam_baseline.exam.errors import InputError


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


def test_importing_the_package_and_its_settings_imports_no_torch():
    heavy = python(
        "import sys\n"
        "from cmexam_baseline.encoders import EncoderSettings, load_settings, is_main_process, find_model\n"
        "print([name for name in ('torch', 'transformers', 'peft', 'accelerate') if name in sys.modules])"
    )
    assert heavy.strip() == "[]"


def test_without_torch_a_line_says_what_to_install():
    said = python(
        "import sys; sys.modules['torch'] = None\n"
        "try:\n"
        "    from cmexam_baseline.encoders import EncoderBaseline\n"
        "except ValueError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    assert said.startswith("InputError EncoderBaseline needs torch; run pip install")


def test_a_torch_that_cannot_be_imported_is_one_line(tmp_path):
    (tmp_path / "torch.py").write_text(
        "raise ImportError('libcudnn.so.9:\\n cannot open shared object file')"
    )
    said = python(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from cmexam_baseline.encoders import EncoderSettings, check_ready\n"
        "try:\n    check_ready(EncoderSettings())\n"
        "except ValueError as error:\n    print(type(error).__name__, error)\n"
    )
    assert said.strip() == (
        "InputError torch is installed but cannot be used: libcudnn.so.9: cannot open shared object file;"
        " install it again"
    )


def test_missing_packages_are_all_named(monkeypatch, bert):
    def without(name, find=extras.find_spec):
        return None if name in ("safetensors", "peft") else find(name)

    monkeypatch.setattr(extras, "find_spec", without)
    with pytest.raises(InputError, match="an encoder needs safetensors; run pip install"):
        check_ready(EncoderSettings(model=str(bert)))
    with pytest.raises(InputError, match="an encoder needs safetensors, peft; run pip install"):
        check_ready(EncoderSettings(model=str(bert), tuning="lora"))


def test_the_gpu_is_looked_at_before_the_weights(monkeypatch, bert):
    check_ready(EncoderSettings(model=str(bert)))
    facts = devices.DeviceFacts("cuda", "Tesla V100", (7, 0), ("sm_80",), torch_version="2.13.0")
    monkeypatch.setattr(devices, "device_facts", lambda wanted: facts)
    with pytest.raises(InputError, match="Tesla V100 has compute capability 7.0"):
        check_ready(EncoderSettings(model="no/such/folder"))


def test_an_unknown_name_is_no_attribute():
    import cmexam_baseline.encoders as encoders

    with pytest.raises(AttributeError, match="has no attribute 'Decoder'"):
        _ = encoders.Decoder
