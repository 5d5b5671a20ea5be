# The Messenger simulator alone, for bots of any framework and tests in any language: no Rasa, no database. docs/simulator.md
#   docker build -f deploy/simulator.Dockerfile -t messenger-simulator .
#   docker run --rm -p 127.0.0.1:8090:8090 messenger-simulator --callback http://host.docker.internal:5005/webhook
# Only on loopback, or in a network of tests: whoever reaches it may do everything.
FROM python:3.12-slim-bookworm
WORKDIR /app
ENV PYTHONUNBUFFERED=1
COPY pyproject.toml README.md LICENSE requirements-next.txt ./
COPY handover_channel ./handover_channel
# --no-deps: the rest of the package's requirements is for bots, see docs/decisions/0010-the-simulator-alone.md.
RUN pip install --no-cache-dir --constraint requirements-next.txt aiohttp \
    && pip install --no-cache-dir --no-deps .
COPY deploy/is_healthy.py ./deploy/
RUN useradd --create-home simulator
USER simulator
EXPOSE 8090
HEALTHCHECK --interval=5s --timeout=6s CMD ["python", "deploy/is_healthy.py", "http://127.0.0.1:8090/simulator/v1/health"]
# exec form: SIGTERM has to reach it. `simulator`: the name by which other containers call it.
ENTRYPOINT ["python", "-m", "handover_channel.simulator", "--host", "0.0.0.0", "--allow-host", "simulator"]
