# Not needed to use Codriver: it runs beside the editor. For a shared gateway, behind TLS:
#   docker build -t codriver . && docker run -p 3748:3748 -e CODRIVER__HTTP__ALLOW_REMOTE=true \
#       -e CODRIVER__HTTP__HOST=0.0.0.0 -e OPENAI_API_KEY codriver
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY server ./server
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.11-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir /wheels/*.whl && useradd --create-home codriver
USER codriver
ENV CODRIVER_HOME=/home/codriver/.codriver
EXPOSE 3748
ENTRYPOINT ["codriver"]
CMD ["serve"]
