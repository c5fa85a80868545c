"""Poll and submission with FastAPI, redis.asyncio, asyncpg, PyJWT and Celery's `delay`."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import jwt
import redis.asyncio
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from bench.peers import web_config
from bench.peers.celery_app import make_report

INSERT = """
    INSERT INTO peer_task (id, owner_id, report, parameters, format, label, state)
    VALUES ($1, $2, $3, $4, $5, $6, 'queued')
"""


class Progress(BaseModel):
    done: int
    total: int | None
    percent: float | None


class TaskDocument(BaseModel):
    task_id: uuid.UUID
    report: str
    state: str
    progress: Progress
    created_at: datetime
    started_at: datetime | None
    poll_after_ms: int | None
    url: str


class ReportRequest(BaseModel):
    report: str = Field(max_length=60)
    parameters: dict[str, Any] = Field(default_factory=dict)
    format: str = Field(default="json", max_length=20)
    label: str = Field(default="", max_length=200)


class AcceptedTask(BaseModel):
    task_id: uuid.UUID
    state: str
    url: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.redis = redis.asyncio.Redis.from_url(web_config.REDIS_URL)
    app.state.pool = await asyncpg.create_pool(
        web_config.DATABASE_URL, min_size=8, max_size=8
    )
    yield
    await app.state.redis.aclose()
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


async def current_user(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
) -> int:
    try:
        claims = jwt.decode(
            credentials.credentials, web_config.JWT_KEY, [web_config.ALGORITHM]
        )
    except jwt.InvalidTokenError:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED) from None
    return int(claims["sub"])


User = Annotated[int, Depends(current_user)]


@app.get("/tasks/{task_id}", response_model=TaskDocument)
async def poll(
    task_id: uuid.UUID,
    user_id: User,
    request: Request,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Any:
    content = await request.app.state.redis.hgetall(
        web_config.document_key(str(task_id))
    )
    if not content or int(content[b"owner_id"]) != user_id:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    document = content[b"document"]
    etag = f'"{hashlib.sha256(document).hexdigest()[:24]}"'
    if if_none_match == etag:
        return Response(
            status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag}
        )
    response.headers["ETag"] = etag
    return TaskDocument.model_validate_json(document)


@app.post("/reports", status_code=status.HTTP_202_ACCEPTED)
async def submit(body: ReportRequest, user_id: User, request: Request) -> AcceptedTask:
    task_id = uuid.uuid4()
    await request.app.state.pool.execute(
        INSERT,
        task_id,
        user_id,
        body.report,
        body.model_dump_json(include={"parameters"}),
        body.format,
        body.label,
    )
    make_report.delay(str(task_id), body.model_dump())
    return AcceptedTask(task_id=task_id, state="queued", url=f"/tasks/{task_id}")
