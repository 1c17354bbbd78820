"""LiteRT files joined: each part answers as it did alone, asked by its signature."""

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from segmenter.models import joining, litert


def part(signature, units, folder):
    """(content of a file, the network in it): noise of 8 numbers → `units` numbers."""
    keras.utils.set_random_seed(units)
    given = keras.Input((8,))
    model = keras.Model(given, keras.layers.Dense(units, bias_initializer="normal")(keras.layers.Dense(16)(given)))
    litert._save(model, signature, lambda given: [model(given)], {"given": given}, ["result"], str(folder))
    return litert._convert(str(folder), signature), model


def test_each_part_answers_as_it_did_alone(tmp_path):
    names = {"first": 5, "second": 3, "third": 5}
    parts = {name: part(name, units, tmp_path / name) for name, units in names.items()}
    whole = Interpreter(model_content=joining.join([data for data, _ in parts.values()]))
    assert whole.get_signature_list().keys() == names.keys()
    given = np.random.default_rng(1).random((1, 8), np.float32)
    for name, (data, model) in parts.items():
        alone = Interpreter(model_content=data).get_signature_runner(name)(given=given)["result"]
        np.testing.assert_array_equal(whole.get_signature_runner(name)(given=given)["result"], alone)
        np.testing.assert_allclose(alone, model(given), atol=0.05)  # weights of 8 bits


def test_without_a_name_the_first_part_is_asked(tmp_path):
    (first, _), (second, _) = part("first", 2, tmp_path / "a"), part("second", 7, tmp_path / "b")
    interpreter = Interpreter(model_content=joining.join([first, second]))
    assert interpreter.get_output_details()[0]["shape"].tolist() == [1, 2]


def test_a_part_is_taken_out_again(tmp_path):
    parts = [part(name, units, tmp_path / name)[0] for name, units in (("first", 5), ("second", 3))]
    whole = joining.join(parts)
    given = np.random.default_rng(1).random((1, 8), np.float32)
    for name, data in zip(("first", "second"), parts):
        found = joining.part(whole, name)
        assert found and len(found) <= len(data) * 1.05
        alone, out = (Interpreter(model_content=each) for each in (data, found))
        assert list(out.get_signature_list()) == [name]
        expected = alone.get_signature_runner(name)(given=given)["result"]
        np.testing.assert_array_equal(out.get_signature_runner(name)(given=given)["result"], expected)
    assert joining.part(whole, "third") is None
