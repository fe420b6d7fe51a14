// The rival of the benchmarks for Node: as the one in crates/bench/rival, on the same tables, without budgets, metrics, logs or
// deadlines. Reads DATABASE_URL, GITHUB_API_URL, GITHUB_APP_ID and GITHUB_PRIVATE_KEY_FILE, and prints its address as one line of
// JSON.

import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

import { createAppAuth } from "@octokit/auth-app";
import { request } from "@octokit/request";
import Fastify from "fastify";
import pg from "pg";

pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const url = new URL(process.env.DATABASE_URL);
url.search = "";
const pool = new pg.Pool({ connectionString: url.href, max: 8 });
const auth = createAppAuth({
  appId: process.env.GITHUB_APP_ID,
  privateKey: readFileSync(process.env.GITHUB_PRIVATE_KEY_FILE, "utf8"),
});
const github = request.defaults({ baseUrl: process.env.GITHUB_API_URL, request: { hook: auth.hook } });

// Named, so that each connection prepares them once.
const FIND_KEY = "SELECT secret_hash, organization FROM rival.api_keys WHERE id = $1";
const FIND_BINDING =
  "SELECT installation_id, account_login, account_kind, registered_at FROM rival.bindings WHERE organization = $1";
const FIND_STATE =
  "SELECT installation_id FROM rival.states WHERE digest = $1 AND organization = $2 AND expires_at > now()";
const SPEND_STATE = "DELETE FROM rival.states WHERE digest = $1";
const INSERT_BINDING =
  "INSERT INTO rival.bindings (organization, installation_id, account_id, account_login, account_kind, registered_at) " +
  "VALUES ($1, $2, $3, $4, $5, now()) RETURNING installation_id, account_login, account_kind, registered_at";

const query = (client, name, text, values) => client.query({ name, text, values });
const sha256 = (data) => createHash("sha256").update(data).digest();

const app = Fastify();
app.decorateRequest("organization", "");
app.addHook("onRequest", async (request, reply) => {
  const [prefix, , id, ...secret] = (request.headers.authorization ?? "").slice("Bearer ".length).split("_");
  const { rows } = await query(pool, "key", FIND_KEY, [id]);
  const hash = sha256(Buffer.from(secret.join("_"), "base64url"));
  if (prefix !== "lp" || rows.length === 0 || !timingSafeEqual(hash, rows[0].secret_hash)) {
    return reply.code(401).send({ error: "unknown key" });
  }
  request.organization = rows[0].organization;
});

const binding = (row) => ({
  installationId: row.installation_id,
  accountLogin: row.account_login,
  accountKind: row.account_kind,
  registeredAt: row.registered_at,
});
const bindingSchema = {
  type: "object",
  properties: {
    installationId: { type: "integer" },
    accountLogin: { type: "string" },
    accountKind: { type: "string" },
    registeredAt: { type: "string", format: "date-time" },
  },
};

app.get("/v1/github/installation", { schema: { response: { 200: bindingSchema } } }, async (request, reply) => {
  const { rows } = await query(pool, "binding", FIND_BINDING, [request.organization]);
  return rows.length === 0 ? reply.code(404).send({ error: "no installation is bound" }) : binding(rows[0]);
});

const register = {
  schema: {
    body: {
      type: "object",
      additionalProperties: false,
      required: ["installationId", "state"],
      properties: { installationId: { type: "integer" }, state: { type: "string" } },
    },
    response: { 201: bindingSchema },
  },
};
app.post("/v1/github/installation", register, async ({ organization, body }, reply) => {
  const bound = await query(pool, "binding", FIND_BINDING, [organization]);
  if (bound.rows.length > 0) {
    const same = bound.rows[0].installation_id === body.installationId;
    return same
      ? reply.code(201).send(binding(bound.rows[0]))
      : reply.code(409).send({ error: "another installation is bound" });
  }
  const digest = sha256(body.state);
  const state = await query(pool, "state", FIND_STATE, [digest, organization]);
  if (state.rows[0]?.installation_id !== body.installationId) {
    return reply.code(422).send({ error: "invalid state" });
  }
  const { data } = await github("GET /app/installations/{installation_id}", { installation_id: body.installationId });
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const spent = await query(client, "spend", SPEND_STATE, [digest]);
    if (spent.rowCount !== 1) {
      await client.query("ROLLBACK");
      return reply.code(422).send({ error: "invalid state" });
    }
    const { id, login, type } = data.account;
    const inserted = await query(client, "insert", INSERT_BINDING, [organization, body.installationId, id, login, type]);
    await client.query("COMMIT");
    return reply.code(201).send(binding(inserted.rows[0]));
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
});

const address = await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ api: address }));
