"""What `chairlift push, pull, space` and `chairlift data …` do, once their options are read.

The Hub's client is imported only where it is asked, as cutting does without it.
"""

import argparse

DATA_SCHEME = "hf://datasets/"


def push_weights(options: argparse.Namespace) -> int:
    """`chairlift push`: publish a weights folder."""
    from segmenter.hub import weights

    pushed = weights.push(options.folder, options.repository, options.tag, options.private, options.dry_run)
    print(weights.describe_push(options.folder, options.repository, pushed))
    return 0


def pull_weights(options: argparse.Namespace) -> int:
    """`chairlift pull`: fetch weights and print their folder."""
    from segmenter.hub import weights

    print(weights.pull(options.place))
    return 0


def put_space(options: argparse.Namespace) -> int:
    """`chairlift space`: create the Space, or bring it up to date."""
    from segmenter.hub import space

    print(space.put(options.repository, options.weights, options.private, options.dry_run))
    return 0


def push_data(options: argparse.Namespace) -> int:
    """`chairlift data push`: publish a data set."""
    from segmenter.hub import client, datasets

    done = datasets.push_dataset(
        options.folder, options.repository, options.tag, options.private, options.dry_run, options.licence
    )
    if not isinstance(done, client.Pushed):  # a dry run
        print(f"to the data set {options.repository} would go, in one commit:")
        print("\n".join(f"  {name}  {size:,} bytes" for name, size in done.items()))
    else:
        verb = "published as" if done.changed else "unchanged; it is"
        print(f"data set {verb} {DATA_SCHEME}{options.repository}@{done.tag} (commit {done.commit[:7]})")
    return 0


def pull_data(options: argparse.Namespace) -> int:
    """`chairlift data pull`: fetch a data set and print its folder."""
    from segmenter.hub import datasets

    print(datasets.pull_dataset(options.address))
    return 0


def describe_data(options: argparse.Namespace) -> int:
    """`chairlift data info`: print what is in a data set."""
    from segmenter.hub import datasets

    print(datasets.info(options.place).summary())
    return 0
