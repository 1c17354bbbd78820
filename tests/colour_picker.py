"""Weights whose picker is known: a click on a colour picks everything of that colour."""

from pathlib import Path

SIZE = 64


def write(folder: Path) -> Path:
    """Add a picker to the red detector's folder, see `conftest.tiny_weights`; returns the folder."""
    import tensorflow as tf

    from segmenter.models.picker import NAMES

    half = SIZE // 2
    shapes = [(1, half, half, 3), *[(1, 1, 1, 1)] * 4, (1, SIZE, SIZE, 1)]

    @tf.function(input_signature=[tf.TensorSpec((1, SIZE, SIZE, 3), tf.float32, name="photo")])
    def furniture(photo):
        red = tf.sigmoid(tf.reduce_sum(photo * [20.0, -10.0, -10.0], -1, keepdims=True) - 10)
        small = tf.nn.avg_pool2d(photo, 2, 2, "VALID")
        mean = tf.reshape(tf.reduce_mean(photo), (1, 1, 1, 1))
        return dict(zip(NAMES, [small, *[mean + float(number) for number in range(4)], red]))

    given = [tf.TensorSpec(shape, tf.float32, name=name) for shape, name in zip(shapes, NAMES)]

    @tf.function(input_signature=[*given, tf.TensorSpec((1, half, half, 3), tf.float32, name="prompts")])
    def pick(map0, map1, map2, map3, map4, furniture, prompts):
        colour = tf.reduce_max(map0 * prompts[..., :1], (1, 2), keepdims=True)
        far = tf.reduce_sum(tf.abs(map0 - colour), -1, keepdims=True)
        far += 0 * (map1 + map2 + map3 + map4 + tf.reduce_mean(furniture))
        piece = tf.clip_by_value(1 - 3 * far, 0, 1) * (1 - prompts[..., 1:2])
        return {"piece": tf.image.resize(piece, (SIZE, SIZE))}

    module = tf.Module()
    module.both = furniture, pick
    functions = [furniture.get_concrete_function(), pick.get_concrete_function()]
    signatures = dict(zip(("furniture", "pick"), functions))
    saved = folder / "saved"
    tf.saved_model.save(module, str(saved), signatures=signatures)
    (folder / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(saved)).convert())
    return folder
