"""Batch normalisation in as few passes over the maps as the backend can."""

from typing import Any

import keras
from keras import layers


class BatchNormalization(layers.BatchNormalization):
    """Keras's own, with TensorFlow's operation for all of it at once.

    Keras composes it of some ten operations, each of which goes over the whole map, and on a processor that takes much of
    a training step. Where the operation does not fit (another backend, half precision, another axis, a mask), Keras's own
    does it. Reference: Ioffe & Szegedy, "Batch Normalization", ICML 2015.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """As Keras's own, of inputs batch × H × W × channels."""
        if mask is not None or not self._fits(inputs):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        learns = bool(training) and self.trainable  # from what the batch shows
        moving: Any = self.moving_mean, self.moving_variance
        known = [tf.convert_to_tensor(each) for each in moving]
        mean, variance = [tf.zeros([0])] * 2 if learns else known
        result, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=learns,
        )
        if learns:
            count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], variance.dtype)
            of_batch = mean, variance * (count - 1) / count  # the operation tells the variance of what it is drawn from
            for each, now, before in zip(moving, of_batch, known):
                each.assign(self.momentum * before + (1 - self.momentum) * now)
        return result

    def _fits(self, inputs):
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.scale
            and self.center
            and keras.backend.standardize_dtype(inputs.dtype) == "float32"
            and not self.synchronized
        )
