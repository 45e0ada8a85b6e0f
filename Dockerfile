# One image for CPU and GPU: the lock's stock torch wheel brings its own CUDA libraries and falls back to the CPU, so
# nothing but `docker run --gpus all` (NVIDIA's driver and container toolkit on the host) tells them apart.
# How to build and run it: docs/container.md.
FROM python:3.11-slim-bookworm

# git is what DVC stands on; OpenCV, which LibAUC imports, links against the last two.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git make libgl1 libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/*

ARG UID=1000
RUN useradd --create-home --shell /bin/bash --uid "$UID" dam \
 && install --directory --owner dam --group dam /home/dam/benchmark
USER $UID
WORKDIR /home/dam/benchmark
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility PIP_NO_CACHE_DIR=1

# The environment has a layer of its own, made again by another lock (or Makefile) alone.
COPY --chown=dam:dam Makefile requirements.lock ./
RUN make .venv/bin/.built

# With the history, so that each run's record names its commit, and without .git/config, which may hold a password.
COPY --chown=dam:dam . .
RUN touch .venv/bin/.built

CMD ["make", "repro"]
