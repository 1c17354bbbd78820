"""Names and sizes of networks come without Keras, from one place."""

import subprocess
import sys

from segmenter.models import registry


def test_asking_for_names_and_sizes_imports_no_keras():
    program = (
        "import sys\n"
        "from segmenter.models import registry\n"
        "assert registry.find('unet_lite2').size == 384 and 'unet_256' in registry.NETWORKS\n"
        "assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_network_has_an_encoder_or_widths_of_its_own():
    for name, network in registry.NETWORKS.items():
        assert bool(network.encoder) != bool(network.widths and network.centre), name
    assert {registry.DEFAULT, registry.PRETRAINED} <= set(registry.encoded())


def test_a_new_encoder_is_one_entry_and_a_file(monkeypatch):
    """A file that offers what `Encoder` asks for is all that building takes."""
    import sys as system
    import types

    import keras

    from segmenter.models import unet

    def encode(x, variant):
        found = []
        for width in (4, 4, 8, 8, 8):
            x = keras.layers.Conv2D(width, 3, strides=2, padding="same", name=f"encoder_{variant}_{len(found)}")(x)
            found.append(x)
        return found

    module = types.ModuleType("segmenter.models.another")
    module.encode = encode
    monkeypatch.setitem(system.modules, "segmenter.models.another", module)
    monkeypatch.setitem(registry.NETWORKS, "unet_another", registry.Network(64, registry.Encoder("another", "tiny")))
    model = unet.build_unet("unet_another")
    assert model.output_shape == (None, 64, 64, 1)
    assert "encoder_tiny_4" in [layer.name for layer in model.layers]
