"""Settings from Python and TOML, and what is refused."""

from __future__ import annotations

from dataclasses import fields

import pytest

from cmexam_baseline.encoders import EncoderSettings, load_settings
from cmexam_baseline.exam.errors import InputError


def test_every_setting_has_help_and_the_defaults_are_valid():
    for one in fields(EncoderSettings):
        assert one.metadata["help"], one.name
    assert EncoderSettings.from_dict(EncoderSettings().to_dict()) == EncoderSettings()


def test_a_toml_file_is_overridden_by_what_is_given(tmp_path):
    file = tmp_path / "train.toml"
    file.write_text(
        'random_state = 9\n[encoder]\nhead = "joint"\nmax-length = 128\nlr = 1\nbatch_tokens = 4096\n'
    )
    settings = load_settings(file, max_length=64)
    assert (settings.head, settings.max_length, settings.lr, settings.random_state) == ("joint", 64, 1, 0)
    assert load_settings() == EncoderSettings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = 0", "epochs is 0, expected 1 or more"),
        ("epochs = 2.5", "epochs is 2.5, expected int"),
        ("epochs = true", "epochs is True, expected int"),
        ("lr = nan", "lr is nan, expected 0 or more"),
        ("lr = inf", "lr is inf, expected 0 or more"),
        ("dropout = 2", "dropout is 2, expected 1 or less"),
        ('pooling = "max"', "pooling is 'max', expected cls or mean"),
        ('batch_tokens = "all"', "batch_tokens is 'all', expected a number or auto"),
        ("epoch = 2", "epoch is not a setting, did you mean epochs"),
        (
            "[encoder]\nlr = 'x'\nbatch_size = 0",
            "lr is 'x', expected float or nothing; batch_size is 0, expected 1 or more",
        ),
        ("encoder = 3", "encoder is not a table"),
        ("epochs =", "is not TOML"),
        ('head = "joint"\npooling = "cls"', "the joint head averages the tokens of each option"),
        ('tuning = "prefix"\nfreeze_layers = 2', "a prefix changes the frozen layers, too"),
        ('tuning = "prefix"\ngradient_checkpointing = true', "drops the prefix"),
    ],
)
def test_wrong_settings_end_in_one_line_that_names_the_file(tmp_path, text, message):
    file = tmp_path / "train.toml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_settings(file)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.toml cannot be read"):
        load_settings(tmp_path / "none.toml")


def test_the_learning_rate_follows_tuning_and_width():
    rates = [EncoderSettings(tuning=tuning).learning_rate(768) for tuning in ("full", "lora", "prefix")]
    assert rates == [5e-5, 3e-4, 2e-2]
    assert EncoderSettings(tuning="lora", lr=1e-3).learning_rate(1024) == 1e-3
    assert EncoderSettings(tuning="lora").learning_rate(384) == 3e-4
    assert EncoderSettings().learning_rate(64) == 2e-4


def test_new_heads_learn_faster_than_what_is_pretrained():
    settings = EncoderSettings()
    assert settings.head_learning_rate(768, all_new=True) == 1e-3
    assert settings.head_learning_rate(768, all_new=False) == 5e-5
    assert EncoderSettings(lr=3e-3).head_learning_rate(768, all_new=True) == 3e-3
    assert EncoderSettings(head_lr=1e-4).head_learning_rate(768, all_new=True) == 1e-4
