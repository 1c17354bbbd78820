# The page, on weights that come with it:
#   docker build -t chairlift . && docker run --rm -p 7860:7860 chairlift
# Other weights: -e SEGMENTER_WEIGHTS=OWNER/NAME@v1
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 chairlift
WORKDIR /home/chairlift/app

COPY requirements.txt .
RUN sed '/# training alone/d' requirements.txt > serving.txt && pip install --no-cache-dir -r serving.txt

COPY app.py ./
COPY segmenter segmenter
COPY weights weights

USER chairlift
ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py"]
