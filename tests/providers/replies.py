"""Replies as public gateways give them, and what is to be read from each.

What it may not do: send or judge anything; ``test_replies.py`` does.

How it works: a row is (moment, status code, body, outcome) below the gateway that
answers so and the public file or page where its shape can be looked up (``unchecked``
where nobody has: the row then shows a shape that is read, and proves nothing of that
gateway). Names of fields and words of statuses are the gateways', all values are ours.
``TASK`` is the id that was asked for, ``VIDEO`` stands for the bytes of a real MP4.
Outcomes are plain words:

    submit   accepted: ID | uncertain | uncertain, halted | not accepted | halted
             | rejected
    poll     running: WORD | running, unknown word: WORD | finished: ADDRESS
             | finished: content
             failed: CODE | failed, doubtful: CODE | tells nothing | no such task
    content  video | no video
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

TASK = "task-81c4"
LINK = "https://cdn.example/out/clip.mp4"
STILL = "https://cdn.example/out/cover.jpg"
SENT = "https://media.example/first.mp4"
VIDEO = b"<the bytes of a video>"

Answer = tuple[str, int, Any, str]


class Row(NamedTuple):
    gateway: str
    source: str
    moment: str
    status: int
    body: Any
    outcome: str


NEWAPI = "QuantumNous/new-api relay/channel/task/"
COMFY = "comfyanonymous/ComfyUI comfy_api_nodes/apis/"
LITELLM = "BerriAI/litellm litellm/llms/"


def _error(message: str, code: Any = "", kind: str = "new_api_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}


def _task(code: str, message: str = "no") -> dict[str, Any]:
    return {"code": code, "message": message, "data": None}


def _video(word: str, **more: Any) -> dict[str, Any]:
    return {"id": TASK, "object": "video", "model": "wan2.7-i2v", "status": word, **more}


def _data(word: str, key: str = "status", name: str = "task_id", **more: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": {name: TASK, key: word, **more}}


_LONG = "video_" + "Zm9vYmFy" * 40

GATEWAYS: list[tuple[str, str, list[Answer]]] = [
    (
        "new-api",
        NEWAPI + "ali/adaptor.go",
        [
            ("submit", 200, _video("queued", task_id=TASK, progress=0), f"accepted: {TASK}"),
            ("submit", 400, _task("invalid_seconds"), "rejected"),
            ("submit", 401, _error("bad token"), "halted"),
            ("submit", 403, _task("insufficient_user_quota"), "halted"),
            ("submit", 403, _error("no access to the model"), "halted"),
            ("submit", 413, _error("body too large"), "rejected"),
            ("submit", 429, b"", "not accepted"),
            ("submit", 429, _task("fail_to_fetch_task", "saturated"), "not accepted"),
            ("submit", 500, _task("build_request_failed"), "uncertain, halted"),
            ("submit", 500, _task("get_channel_failed"), "uncertain, halted"),
            ("submit", 500, _task("do_request_failed"), "uncertain"),
            ("submit", 503, _error("no channel", "model_not_found"), "uncertain, halted"),
            ("submit", 502, b"<html>502 Bad Gateway</html>", "uncertain"),
            ("submit", 504, b"", "uncertain"),
            ("submit", 200, _task("ali_api_error"), "uncertain"),
            ("poll", 200, _video("queued", progress=20, metadata={"url": ""}), "running: queued"),
            ("poll", 200, _video("in_progress", progress=30), "running: in_progress"),
            (
                "poll",
                200,
                _video("unknown", error={"code": "Throttling", "message": "slow"}),
                "running: unknown",
            ),
            ("poll", 200, _video("completed", metadata={"url": LINK}), f"finished: {LINK}"),
            ("poll", 200, _video("completed", progress=100), "finished: content"),
            (
                "poll",
                200,
                _video("failed", error={"code": "DataInspectionFailed", "message": "no"}),
                "failed: DataInspectionFailed",
            ),
            ("poll", 400, _task("task_not_exist"), "no such task"),
            ("poll", 403, _error("the token is bound to models"), "tells nothing"),
            ("poll", 502, b"<html></html>", "tells nothing"),
            ("poll", 429, b"", "tells nothing"),
            ("content", 200, VIDEO, "video"),
            ("content", 400, _error("not completed", kind="invalid_request_error"), "no video"),
            ("content", 404, _error("no task", kind="invalid_request_error"), "no video"),
            ("content", 502, _error("upstream 403", kind="server_error"), "no video"),
        ],
    ),
    (
        "new-api, older route",
        "docs.newapi.pro/zh/docs/api/ai-model/videos/getvideogeneration; " + NEWAPI + "vidu",
        [
            ("submit", 200, {"task_id": TASK}, f"accepted: {TASK}"),
            ("submit", 200, _data("NOT_START"), f"accepted: {TASK}"),
            ("poll", 200, _data("NOT_START", progress="0%"), "running: NOT_START"),
            ("poll", 200, _data("SUBMITTED", progress="10%"), "running: SUBMITTED"),
            ("poll", 200, _data("QUEUED", progress="20%"), "running: QUEUED"),
            ("poll", 200, _data("IN_PROGRESS", progress="50%"), "running: IN_PROGRESS"),
            (
                "poll",
                200,
                _data("IN_PROGRESS", progress="100%", data={"id": "up-1", "status": "succeeded"}),
                "running: IN_PROGRESS",
            ),
            ("poll", 200, _data("SUCCESS", progress="100%", url=LINK), f"finished: {LINK}"),
            ("poll", 200, _data("SUCCESS", fail_reason=LINK), f"finished: {LINK}"),
            ("poll", 200, _data("FAILURE", fail_reason="the model stopped"), "failed: "),
            (
                "poll",
                200,
                {"code": "success", "data": {"status": "failed", "video_url": LINK}},
                "failed: ",
            ),
            (
                "poll",
                200,
                {"task_id": TASK, "status": "succeeded", "url": LINK},
                f"finished: {LINK}",
            ),
        ],
    ),
    (
        "one-api kin (apiyi, laozhang)",
        "section E of the facts about the API; songquanpeng/one-api controller/relay.go",
        [
            ("submit", 200, {"id": TASK, "status": "pending"}, f"accepted: {TASK}"),
            ("submit", 429, _error("too many requests", None, "one_api_error"), "not accepted"),
            ("submit", 429, b"<html><h1>429</h1></html>", "not accepted"),
            ("submit", 503, _error("no channel", None, "one_api_error"), "uncertain"),
            ("submit", 307, b"", "halted"),
            ("submit", 301, b"", "uncertain, halted"),
            ("submit", 302, b"<a>login</a>", "uncertain, halted"),
            ("poll", 200, {"id": TASK, "status": "pending"}, "running: pending"),
            (
                "poll",
                200,
                {"id": TASK, "status": "completed", "video_url": LINK},
                f"finished: {LINK}",
            ),
            ("poll", 500, _error("record not found"), "no such task"),
        ],
    ),
    (
        "LiteLLM",
        LITELLM + "runwayml/videos/transformation.py",
        [
            (
                "submit",
                200,
                {"id": _LONG, "object": "video", "progress": None},
                f"accepted: {_LONG}",
            ),
            ("submit", 408, _error("Timeout", "408"), "uncertain"),
            ("poll", 200, _video("queued", created_at=None, seconds="5.0"), "running: queued"),
            ("poll", 200, _video("processing", progress=None), "running: processing"),
            (
                "poll",
                200,
                _video("completed", usage={"duration_seconds": 5.0}),
                "finished: content",
            ),
            ("poll", 200, _video("cancelled"), "failed, doubtful: cancelled"),
            ("poll", 400, _error("UNKNOWN task", "400"), "no such task"),
            ("content", 400, _error("not ready"), "no video"),
        ],
    ),
    (
        "vLLM-Omni",
        "vllm-project/vllm-omni vllm_omni/entrypoints/openai/protocol/videos.py",
        [
            ("submit", 422, {"detail": [{"loc": ["prompt"], "msg": "required"}]}, "rejected"),
            ("submit", 200, {"id": "video_gen_07", "status": "queued"}, "accepted: video_gen_07"),
            ("poll", 200, _video("in_progress", fps=16, num_frames=81), "running: in_progress"),
            ("poll", 200, _video("completed", inference_time_s=61.5), "finished: content"),
            ("poll", 200, _video("failed", error={"code": 500, "message": "oom"}), "failed: 500"),
            ("poll", 404, {"detail": "no such video"}, "no such task"),
            ("content", 404, {"detail": "still running"}, "no video"),
            ("content", 422, {"detail": "it failed"}, "no video"),
        ],
    ),
    (
        "SGLang",
        "sgl-project/sglang python/sglang/multimodal_gen/runtime/entrypoints/openai/video_api.py",
        [
            ("poll", 200, _video("queued", file_path=None), "running: queued"),
            (
                "poll",
                200,
                _video("completed", urls=[LINK], file_path="/x.mp4"),
                f"finished: {LINK}",
            ),
            ("poll", 200, _video("failed", error={"message": "CUDA"}), "failed: "),
            ("poll", 200, _video("deleted"), "failed, doubtful: deleted"),
        ],
    ),
    (
        "xAI",
        "apidog.com/es/blog/grok-image-to-video-api; " + COMFY + "grok.py",
        [
            # ``request_id`` is no id of the contract; it is kept as evidence.
            ("submit", 200, {"request_id": TASK}, "uncertain"),
            ("poll", 202, {"status": "pending", "progress": 40}, "running: pending"),
            ("poll", 200, {"status": "processing"}, "running: processing"),
            ("poll", 200, {"status": "done", "video": {"url": LINK}}, f"finished: {LINK}"),
            ("poll", 200, {"status": "expired"}, "failed, doubtful: expired"),
            (
                "poll",
                200,
                {"status": "failed", "error": {"code": "c7", "message": "no"}},
                "failed: c7",
            ),
        ],
    ),
    (
        "Kling",
        COMFY + "kling.py; " + NEWAPI + "kling",
        [
            ("submit", 200, {"code": 0, "data": {"task_id": TASK}}, f"accepted: {TASK}"),
            ("submit", 429, {"code": 1303, "message": "parallel tasks"}, "not accepted"),
            ("poll", 200, _data("submitted", "task_status"), "running: submitted"),
            ("poll", 200, _data("processing", "task_status"), "running: processing"),
            (
                "poll",
                200,
                _data(
                    "succeed",
                    "task_status",
                    task_info={"parent_video": {"url": SENT}},
                    task_result={"videos": [{"id": "v1", "url": LINK, "duration": "5"}]},
                ),
                f"finished: {LINK}",
            ),
            ("poll", 200, _data("failed", "task_status", task_status_msg="risk"), "failed: "),
        ],
    ),
    (
        "MiniMax (Hailuo)",
        "cloud.baidu.com/doc/qianfan-api/s/tmwbl4b6e; " + NEWAPI + "hailuo/adaptor.go",
        [
            (
                "submit",
                200,
                {"task_id": TASK, "base_resp": {"status_code": 0}},
                f"accepted: {TASK}",
            ),
            (
                "submit",
                200,
                {"task_id": "", "base_resp": {"status_code": 1008, "status_msg": "balance"}},
                "uncertain",
            ),
            ("poll", 200, {"task_id": TASK, "status": "Preparing"}, "running: Preparing"),
            ("poll", 200, {"task_id": TASK, "status": "Queueing"}, "running: Queueing"),
            ("poll", 200, {"task_id": TASK, "status": "Processing"}, "running: Processing"),
            (
                "poll",
                200,
                {
                    "task_id": TASK,
                    "status": "Success",
                    "file_id": "77",
                    "base_resp": {"status_code": 0},
                },
                "finished: content",
            ),
            (
                "poll",
                200,
                {"task_id": TASK, "status": "Success", "file": {"download_url": LINK}},
                f"finished: {LINK}",
            ),
            ("poll", 200, {"task_id": TASK, "status": "Fail", "err_code": 1027}, "failed: 1027"),
        ],
    ),
    (
        "MiniMax, second version",
        "platform.minimaxi.com/docs/api-reference/video-generation-v2-query",
        [
            ("poll", 200, {"task": {"id": TASK, "status": "queued"}}, "running: queued"),
            (
                "poll",
                200,
                {"task": {"id": TASK, "status": "succeeded", "content": [{"video_url": LINK}]}},
                f"finished: {LINK}",
            ),
            ("poll", 400, _error("invalid task_id", 2013), "no such task"),
        ],
    ),
    (
        "Runway",
        COMFY + "runway.py; " + LITELLM + "runwayml/videos/transformation.py",
        [
            ("submit", 200, {"id": TASK}, f"accepted: {TASK}"),
            ("submit", 400, {"error": "too short a prompt"}, "rejected"),
            ("poll", 200, {"id": TASK, "status": "PENDING"}, "running: PENDING"),
            ("poll", 200, {"id": TASK, "status": "THROTTLED"}, "running: THROTTLED"),
            ("poll", 200, {"id": TASK, "status": "RUNNING", "progress": 0.4}, "running: RUNNING"),
            (
                "poll",
                200,
                {"id": TASK, "status": "SUCCEEDED", "output": [LINK]},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"id": TASK, "status": "FAILED", "failure": "no", "failureCode": "SAFETY.INPUT"},
                "failed: SAFETY.INPUT",
            ),
            ("poll", 200, {"id": TASK, "status": "CANCELLED"}, "failed, doubtful: CANCELLED"),
        ],
    ),
    (
        "Luma",
        COMFY + "luma.py",
        [
            ("submit", 201, {"id": TASK, "state": "queued"}, f"accepted: {TASK}"),
            ("submit", 400, {"detail": "prompt is required"}, "rejected"),
            ("poll", 200, {"id": TASK, "state": "queued"}, "running: queued"),
            (
                "poll",
                200,
                {
                    "id": TASK,
                    "state": "dreaming",
                    "request": {"keyframes": {"frame0": {"url": SENT}}},
                },
                "running: dreaming",
            ),
            (
                "poll",
                200,
                {"id": TASK, "state": "completed", "assets": {"image": STILL, "video": LINK}},
                f"finished: {LINK}",
            ),
            ("poll", 200, {"id": TASK, "state": "failed", "failure_reason": "no"}, "failed: "),
        ],
    ),
    (
        "Vidu",
        COMFY + "vidu.py; cloud.baidu.com/doc/qianfan-api/s/Kmwbl4c5n",
        [
            ("submit", 200, {"task_id": TASK, "state": "created"}, f"accepted: {TASK}"),
            ("poll", 200, {"id": TASK, "state": "created"}, "running: created"),
            ("poll", 200, {"id": TASK, "state": "queueing"}, "running: queueing"),
            (
                "poll",
                200,
                {"id": TASK, "state": "processing", "creations": []},
                "running: processing",
            ),
            # No id of ours in the answer, and a creation's own id beside its address.
            (
                "poll",
                200,
                {"state": "success", "creations": [{"id": "c1", "url": LINK, "cover_url": STILL}]},
                f"finished: {LINK}",
            ),
            ("poll", 200, {"state": "failed", "err_code": "AuditFailed"}, "failed: AuditFailed"),
            ("poll", 200, b'data: {"state": "processing"}\n\n', "tells nothing"),
        ],
    ),
    (
        "Volcengine (Seedance)",
        NEWAPI + "doubao/adaptor.go; " + COMFY + "bytedance.py",
        [
            ("submit", 200, {"id": "cgt-9"}, "accepted: cgt-9"),
            ("poll", 200, {"id": TASK, "status": "queued"}, "running: queued"),
            ("poll", 200, {"id": TASK, "status": "running"}, "running: running"),
            (
                "poll",
                200,
                {
                    "id": TASK,
                    "status": "succeeded",
                    "content": {"video_url": LINK, "last_frame_url": STILL},
                },
                f"finished: {LINK}",
            ),
            ("poll", 200, {"id": TASK, "status": "expired"}, "failed, doubtful: expired"),
            ("poll", 200, {"id": TASK, "status": "interrupted"}, "failed, doubtful: interrupted"),
            (
                "poll",
                200,
                {
                    "id": TASK,
                    "status": "failed",
                    "error": {"code": "OutputVideoSensitive", "message": "x"},
                },
                "failed: OutputVideoSensitive",
            ),
        ],
    ),
    (
        "Jimeng",
        NEWAPI + "jimeng/adaptor.go",
        [
            ("poll", 200, _data("in_queue", video_url=""), "running: in_queue"),
            ("poll", 200, _data("generating", video_url=""), "running: generating"),
            ("poll", 200, _data("done", video_url=LINK), f"finished: {LINK}"),
            ("poll", 200, _data("not_found"), "no such task"),
            ("poll", 200, _data("expired"), "failed, doubtful: expired"),
        ],
    ),
    (
        "Replicate",
        "replicate/replicate-python replicate/prediction.py",
        [
            ("submit", 201, {"id": TASK, "status": "starting", "urls": {}}, f"accepted: {TASK}"),
            ("submit", 402, {"detail": "no credit", "status": 402}, "halted"),
            ("poll", 200, {"id": TASK, "status": "starting", "output": None}, "running: starting"),
            (
                "poll",
                200,
                {"id": TASK, "status": "processing", "logs": "50%"},
                "running: processing",
            ),
            (
                "poll",
                200,
                {
                    "id": TASK,
                    "status": "succeeded",
                    "input": {"video": SENT},
                    "output": LINK,
                    "urls": {"get": "https://api.example/p/1", "cancel": "https://api.example/c"},
                },
                f"finished: {LINK}",
            ),
            ("poll", 200, {"id": TASK, "status": "failed", "error": "OOM"}, "failed: "),
            ("poll", 200, {"id": TASK, "status": "canceled"}, "failed, doubtful: canceled"),
        ],
    ),
    (
        "fal",
        "fal-ai/fal projects/fal_client/src/fal_client/client.py; " + COMFY + "fal.py",
        [
            ("poll", 202, {"status": "IN_QUEUE", "queue_position": 3}, "running: IN_QUEUE"),
            ("poll", 202, {"status": "IN_PROGRESS", "logs": []}, "running: IN_PROGRESS"),
            (
                "poll",
                200,
                {"status": "COMPLETED", "request_id": TASK, "response_url": "https://q.example/r"},
                "finished: content",
            ),
            ("poll", 200, {"status": "COMPLETED", "video": {"url": LINK}}, f"finished: {LINK}"),
            # The result itself has no status.
            ("poll", 200, {"video": {"url": LINK}, "seed": 7}, "tells nothing"),
        ],
    ),
    (
        "PiAPI",
        "app.unpkg.com/n8n-nodes-piapi@1.0.5/files/dist/nodes/PiAPI/TaskStatus",
        [
            ("submit", 200, _data("pending"), f"accepted: {TASK}"),
            ("poll", 200, _data("Pending"), "running: Pending"),
            ("poll", 200, _data("Staged"), "running: Staged"),
            ("poll", 200, _data("Processing", output={"works": []}), "running: Processing"),
            (
                "poll",
                200,
                _data(
                    "completed",
                    input={"image_url": SENT},
                    output={"works": [{"status": 99, "video": {"resource": LINK}}]},
                    error={"code": 0, "message": ""},
                ),
                f"finished: {LINK}",
            ),
            ("poll", 200, _data("failed", error={"code": 1e4, "message": "x"}), "failed: 10000.0"),
        ],
    ),
    (
        "Pollo",
        "docs.pollo.ai/task/get-task-status.md",
        [
            ("submit", 200, {"taskId": TASK, "status": "waiting"}, "uncertain"),
            (
                "poll",
                200,
                {"taskId": TASK, "generations": [{"id": "g1", "status": "waiting", "url": ""}]},
                "running: waiting",
            ),
            (
                "poll",
                200,
                {"taskId": TASK, "generations": [{"id": "g1", "status": "processing"}]},
                "running: processing",
            ),
            (
                "poll",
                200,
                {"taskId": TASK, "generations": [{"id": "g1", "status": "succeed", "url": LINK}]},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {
                    "taskId": TASK,
                    "generations": [{"id": "g1", "status": "failed", "failMsg": "no"}],
                },
                "failed: ",
            ),
        ],
    ),
    (
        "aimlapi",
        (
            "unchecked: docs.aimlapi.com/api-references/video-models; section E of the facts"
            " about the API"
        ),
        [
            ("submit", 201, {"id": TASK, "status": "queued"}, f"accepted: {TASK}"),
            ("poll", 200, {"id": TASK, "status": "queued"}, "running: queued"),
            ("poll", 200, {"id": TASK, "status": "generating"}, "running: generating"),
            ("poll", 200, {"id": TASK, "status": "active"}, "running, unknown word: active"),
            (
                "poll",
                200,
                {"id": TASK, "status": "completed", "video": {"url": LINK}},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"id": TASK, "status": "error", "error": "no"},
                "failed, doubtful: error",
            ),
        ],
    ),
    (
        "OpenRouter",
        COMFY + "openrouter.py; openrouter.ai/docs/agent-sdk (VideoGenerationResponse)",
        [
            ("submit", 202, {"id": TASK, "status": "pending"}, f"accepted: {TASK}"),
            ("submit", 402, _error("no credit", 402), "halted"),
            ("poll", 200, {"id": TASK, "status": "pending"}, "running: pending"),
            ("poll", 200, {"id": TASK, "status": "in_progress"}, "running: in_progress"),
            (
                "poll",
                200,
                {"id": TASK, "status": "completed", "unsigned_urls": [LINK], "usage": {"cost": 1}},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {
                    "id": TASK,
                    "status": "completed",
                    "unsigned_urls": ["/v1/videos/task-81c4/content?index=0"],
                },
                "finished: /v1/videos/task-81c4/content?index=0",
            ),
            ("poll", 200, {"id": TASK, "status": "failed", "error": "filtered"}, "failed: "),
        ],
    ),
    (
        "kie.ai",
        "docs.kie.ai/market/common/get-task-detail",
        [
            ("submit", 200, {"code": 200, "msg": "success", "data": {"taskId": TASK}}, "uncertain"),
            ("submit", 200, {"code": 402, "msg": "no credit", "data": None}, "uncertain"),
            ("poll", 200, _data("waiting", "state", "taskId"), "running: waiting"),
            ("poll", 200, _data("queuing", "state", "taskId"), "running: queuing"),
            ("poll", 200, _data("generating", "state", "taskId"), "running: generating"),
            (
                "poll",
                200,
                _data(
                    "success",
                    "state",
                    "taskId",
                    param=json.dumps({"input": {"video_url": SENT}}),
                    resultJson=json.dumps({"resultUrls": [LINK]}),
                ),
                f"finished: {LINK}",
            ),
            ("poll", 200, _data("fail", "state", "taskId", failCode="501"), "failed: 501"),
            ("poll", 200, {"code": 404, "msg": "record not found", "data": None}, "no such task"),
        ],
    ),
    (
        "kie.ai, Veo",
        "docs.kie.ai/cn/veo3-api/get-veo-3-video-details",
        [
            ("poll", 200, {"data": {"taskId": TASK, "successFlag": 0}}, "running: running"),
            (
                "poll",
                200,
                {"data": {"taskId": TASK, "successFlag": 1, "response": {"resultUrls": [LINK]}}},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"data": {"taskId": TASK, "successFlag": 3, "errorMessage": "no"}},
                "failed, doubtful: generate_failed",
            ),
        ],
    ),
    (
        "ModelScope",
        "unchecked: modelscope/modelscope docs (api-inference, asynchronous tasks)",
        [
            ("submit", 200, {"task_id": TASK, "task_status": "SUCCEED"}, f"accepted: {TASK}"),
            ("poll", 200, {"task_id": TASK, "task_status": "PENDING"}, "running: PENDING"),
            ("poll", 200, {"task_id": TASK, "task_status": "PROCESSING"}, "running: PROCESSING"),
            (
                "poll",
                200,
                {"task_id": TASK, "task_status": "SUCCEED", "output_videos": [LINK]},
                f"finished: {LINK}",
            ),
            ("poll", 200, {"task_id": TASK, "task_status": "FAILED"}, "failed: "),
        ],
    ),
    (
        "SiliconFlow",
        "docs.siliconflow.cn/cn/api-reference/videos/get_videos_status.md",
        [
            ("submit", 200, {"requestId": TASK}, "uncertain"),
            ("poll", 200, {"status": "InQueue", "position": 4}, "running: InQueue"),
            ("poll", 200, {"status": "InProgress", "results": None}, "running: InProgress"),
            (
                "poll",
                200,
                {"status": "Succeed", "results": {"videos": [{"url": LINK + "?e=1"}], "seed": 7}},
                f"finished: {LINK}?e=1",
            ),
            ("poll", 200, {"status": "Failed", "reason": "no"}, "failed: "),
        ],
    ),
    (
        "Vertex and Gemini",
        COMFY + "veo_api.py; " + NEWAPI + "gemini/adaptor.go",
        [
            ("poll", 200, {"name": "models/veo/operations/x", "done": False}, "running: running"),
            (
                "poll",
                200,
                {
                    "name": "models/veo/operations/x",
                    "done": True,
                    "response": {
                        "generatedSamples": [{"video": {"uri": "https://f.example/v:download"}}]
                    },
                },
                "finished: https://f.example/v:download",
            ),
            (
                "poll",
                200,
                {
                    "done": True,
                    "response": {
                        "generateVideoResponse": {
                            "generatedSamples": [{"video": {"uri": "https://f.example/w:download"}}]
                        }
                    },
                },
                "finished: https://f.example/w:download",
            ),
            (
                "poll",
                200,
                {"done": True, "response": {"videos": [{"gcsUri": "gs://bucket/v.mp4"}]}},
                "finished: content",
            ),
            ("poll", 200, {"done": True, "error": {"code": 3, "message": "no"}}, "failed: 3"),
        ],
    ),
    (
        "Azure OpenAI",
        "unchecked: Azure/azure-rest-api-specs (AI foundry, video generation jobs)",
        [
            ("submit", 201, {"object": "video.generation.job", "id": TASK}, f"accepted: {TASK}"),
            ("poll", 200, {"id": TASK, "status": "preprocessing"}, "running: preprocessing"),
            ("poll", 200, {"id": TASK, "status": "running", "generations": []}, "running: running"),
            (
                "poll",
                200,
                {
                    "id": TASK,
                    "status": "succeeded",
                    "generations": [{"id": "gen_1", "prompt": "x"}],
                },
                "finished: content",
            ),
            ("poll", 200, {"id": TASK, "status": "failed", "failure_reason": "filter"}, "failed: "),
        ],
    ),
    (
        "Higgsfield",
        "docs.higgsfield.ai/how-to/webhooks",
        [
            ("poll", 200, {"request_id": TASK, "status": "queued"}, "running: queued"),
            (
                "poll",
                200,
                {"id": TASK, "jobs": [{"id": "j1", "status": "in_progress"}]},
                "running: in_progress",
            ),
            (
                "poll",
                200,
                {
                    "id": TASK,
                    "jobs": [
                        {"id": "j1", "status": "completed", "results": {"raw": {"url": LINK}}}
                    ],
                },
                f"finished: {LINK}",
            ),
            ("poll", 200, {"request_id": TASK, "status": "nsfw"}, "failed, doubtful: nsfw"),
        ],
    ),
    (
        "Pika",
        COMFY + "pika_api.py",
        [
            ("poll", 200, {"id": TASK, "status": "queued"}, "running: queued"),
            ("poll", 200, {"id": TASK, "status": "started", "progress": 12}, "running: started"),
            ("poll", 200, {"id": TASK, "status": "finished", "url": LINK}, f"finished: {LINK}"),
            ("poll", 200, {"id": TASK, "status": "error"}, "failed, doubtful: error"),
        ],
    ),
    (
        "PixVerse",
        COMFY + "pixverse.py",
        [
            # Statuses in numbers mean something else at each gateway: shown, and never
            # an end.
            (
                "poll",
                200,
                {"ErrCode": 0, "Resp": {"id": TASK, "status": 5}},
                "running, unknown word: 5",
            ),
            (
                "poll",
                200,
                {"Resp": {"id": TASK, "status": 1, "url": LINK}},
                "running, unknown word: 1",
            ),
            ("poll", 200, {"Resp": {"id": TASK, "status": 7}}, "running, unknown word: 7"),
        ],
    ),
    (
        "302.ai",
        "unchecked: 302ai.apifox.cn (video, unified query)",
        [
            ("poll", 200, {"task_id": TASK, "status": "queueing"}, "running: queueing"),
            (
                "poll",
                200,
                {"task_id": TASK, "status": "success", "video_url": LINK},
                f"finished: {LINK}",
            ),
            ("poll", 200, {"task_id": TASK, "status": "fail", "err_msg": "no"}, "failed: "),
        ],
    ),
    (
        "Comfy",
        COMFY + "wan.py; " + COMFY + "client.py",
        [
            (
                "poll",
                200,
                {"request_id": "r", "output": {"task_id": TASK, "task_status": "RUNNING"}},
                "running: RUNNING",
            ),
            (
                "poll",
                200,
                {"output": {"task_id": TASK, "task_status": "SUCCEEDED", "video_url": LINK}},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"output": {"task_id": TASK, "task_status": "FAILED", "code": "InvalidURL"}},
                "failed: InvalidURL",
            ),
        ],
    ),
    (
        "Black Forest Labs",
        COMFY + "bfl.py",
        [
            ("poll", 200, {"id": TASK, "status": "Pending", "progress": None}, "running: Pending"),
            (
                "poll",
                200,
                {"id": TASK, "status": "Ready", "result": {"sample": LINK}},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"id": TASK, "status": "Request Moderated"},
                "failed, doubtful: Request Moderated",
            ),
            ("poll", 200, {"id": TASK, "status": "Task not found"}, "no such task"),
        ],
    ),
    (
        "HeyGen",
        COMFY + "heygen.py",
        [
            ("poll", 200, _data("waiting", name="id"), "running: waiting"),
            (
                "poll",
                200,
                _data("completed", name="id", thumbnail_url=STILL, video_url=LINK),
                f"finished: {LINK}",
            ),
            ("poll", 200, _data("failed", name="id", error={"code": 40}), "failed: 40"),
        ],
    ),
    (
        "Leonardo",
        "unchecked: docs.leonardo.ai/reference/getgenerationbyid",
        [
            (
                "poll",
                200,
                {"generations_by_pk": {"id": TASK, "status": "PENDING"}},
                "running: PENDING",
            ),
            (
                "poll",
                200,
                {
                    "generations_by_pk": {
                        "id": TASK,
                        "status": "COMPLETE",
                        "generated_images": [{"id": "g", "url": STILL, "motionMP4URL": LINK}],
                    }
                },
                f"finished: {LINK}",
            ),
            ("poll", 200, {"generations_by_pk": {"id": TASK, "status": "FAILED"}}, "failed: "),
        ],
    ),
    (
        "Stability",
        COMFY + "stability.py",
        [
            ("poll", 202, {"id": TASK, "status": "in-progress"}, "running: in-progress"),
            # The result comes without a status, as text of its bytes.
            ("poll", 200, {"finish_reason": "SUCCESS", "video": "AAAA"}, "tells nothing"),
            ("poll", 404, {"id": "e", "name": "not_found", "errors": ["no"]}, "tells nothing"),
        ],
    ),
    (
        "Freepik",
        "docs.freepik.com/api-reference/image-to-video/kling-std",
        [
            ("submit", 200, {"data": {"task_id": TASK, "status": "CREATED"}}, f"accepted: {TASK}"),
            ("poll", 200, _data("CREATED", generated=[]), "running: CREATED"),
            ("poll", 200, _data("IN_PROGRESS", generated=[]), "running: IN_PROGRESS"),
            ("poll", 200, _data("COMPLETED", generated=[LINK]), f"finished: {LINK}"),
            ("poll", 200, _data("FAILED", generated=[]), "failed: "),
        ],
    ),
    (
        "WaveSpeed",
        COMFY + "wavespeed.py",
        [
            ("submit", 200, _data("created", name="id"), f"accepted: {TASK}"),
            ("poll", 200, _data("created", name="id", outputs=[]), "running: created"),
            ("poll", 200, _data("completed", name="id", outputs=[LINK]), f"finished: {LINK}"),
            ("poll", 200, _data("failed", name="id", error="no"), "failed: "),
        ],
    ),
    (
        "Novita",
        "unchecked: novita.ai/docs/api-reference/model-apis-task-result",
        [
            ("submit", 200, {"task_id": TASK}, f"accepted: {TASK}"),
            (
                "poll",
                200,
                {"task": {"task_id": TASK, "status": "TASK_STATUS_QUEUED"}},
                "running: TASK_STATUS_QUEUED",
            ),
            (
                "poll",
                200,
                {
                    "task": {
                        "task_id": TASK,
                        "status": "TASK_STATUS_PROCESSING",
                        "progress_percent": 9,
                    }
                },
                "running: TASK_STATUS_PROCESSING",
            ),
            (
                "poll",
                200,
                {
                    "task": {"task_id": TASK, "status": "TASK_STATUS_SUCCEED"},
                    "videos": [{"video_url": LINK}],
                },
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"task": {"task_id": TASK, "status": "TASK_STATUS_FAILED", "reason": "no"}},
                "failed: ",
            ),
        ],
    ),
    (
        "Together",
        "docs.together.ai/reference/queue-status",
        [
            ("poll", 200, {"request_id": TASK, "status": "running"}, "running: running"),
            (
                "poll",
                200,
                {"request_id": TASK, "status": "done", "outputs": {"video_url": LINK}},
                f"finished: {LINK}",
            ),
        ],
    ),
    (
        "Bria",
        "docs.bria.ai/status/section/status-values",
        [
            ("poll", 200, {"request_id": TASK, "status": "IN_PROGRESS"}, "running: IN_PROGRESS"),
            (
                "poll",
                200,
                {"request_id": TASK, "status": "COMPLETED", "result": {"video_url": LINK}},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"request_id": TASK, "status": "ERROR", "error": {"code": "E5", "message": "no"}},
                "failed, doubtful: E5",
            ),
        ],
    ),
    (
        "Tencent",
        "unchecked: cloud.tencent.com/document/product/1616 (DescribeHunyuanToVideoJob)",
        [
            ("poll", 200, {"Response": {"JobId": TASK, "Status": "WAIT"}}, "running: WAIT"),
            ("poll", 200, {"Response": {"JobId": TASK, "Status": "RUN"}}, "running: RUN"),
            (
                "poll",
                200,
                {"Response": {"JobId": TASK, "Status": "DONE", "ResultVideoUrl": LINK}},
                f"finished: {LINK}",
            ),
            (
                "poll",
                200,
                {"Response": {"JobId": TASK, "Status": "FAIL", "ErrorCode": "FailedOperation"}},
                "failed: FailedOperation",
            ),
        ],
    ),
    (
        "any gateway",
        "the contract page of a job's life",
        [
            ("poll", 200, {"id": "another", "status": "completed"}, "tells nothing"),
            ("poll", 200, {"id": TASK, "status": "wibbling"}, "running, unknown word: wibbling"),
            ("poll", 200, {"id": TASK, "status": "ok"}, "running, unknown word: ok"),
            ("poll", 200, [1, 2, {"status": "failed"}], "tells nothing"),
            ("poll", 200, {"status": "failed", "data": {"progress": 9}}, "tells nothing"),
            ("poll", 200, b"<html>maintenance</html>", "tells nothing"),
        ],
    ),
]

ROWS = [
    Row(gateway, source, *answer) for gateway, source, answers in GATEWAYS for answer in answers
]
