// Runs the main flow with the client by OpenAPI Generator and checks every step. Usage: node generator_flow.js '{"api": …}'
import { strict as assert } from 'node:assert';
import { AccountApi, Configuration, ResponseError, ValidationErrorFromJSON } from './client/index.js';
import { connect, githubApi, repositories } from './generator.js';

const given = JSON.parse(process.argv[2]!) as {
  api: string; key: string; small: string; installation: number; other: number; repositories: string[];
};
const github = githubApi(given.api, given.key);
const installationId = given.installation;

async function refused(call: Promise<unknown>): Promise<Response> {
  const error = await call.then(() => undefined, (error: unknown) => error);
  assert(error instanceof ResponseError, `a refusal: ${String(error)}`);
  return error.response;
}

async function main() {
  const account = new AccountApi(new Configuration({ basePath: given.api, accessToken: given.key }));
  assert.equal((await account.whoami()).rateLimitTier, 'partner');
  assert.equal((await refused(github.getInstallation())).status, 404);

  const link = await github.installUrl({ returnUrl: 'https://app.example.com/back' });
  assert.equal(new URL(link.installUrl).searchParams.get('state'), link.state);
  assert(link.expiresAt.getTime() > Date.now());
  const own = { installationId, state: 'x'.repeat(20) };
  const unknown = await refused(github.registerInstallation({ registerInstallationBody: own }));
  const { error: invalid } = ValidationErrorFromJSON(await unknown.json());
  assert.deepEqual(invalid.details.issues.map(({ path, code }) => [path, code]), [['state', 'not_claimable']]);

  const bound = await github.registerInstallation({ registerInstallationBody: { installationId, state: link.state } });
  assert.deepEqual([bound.installationId, bound.githubAccount.type, bound.status], [installationId, 'Organization', 'active']);
  const again = `bound to ${bound.orgLogin} since ${bound.registeredAt.toISOString()}`;
  assert.equal(await connect(github, installationId, link.state), again);
  assert.equal((await github.getInstallation()).lastVerifiedAt instanceof Date, true);
  assert.equal(await connect(github, given.other, link.state), `detach ${installationId} first`);

  assert.deepEqual(await repositories(github, 1), given.repositories);
  assert.deepEqual(await repositories(github, 200), given.repositories);
  assert.equal((await refused(github.listRepos({ limit: 201 }))).status, 422);

  const small = githubApi(given.api, given.small);
  for (let answer = 404; answer !== 429; answer = (await refused(small.detachInstallation())).status) {
    assert.equal(answer, 404);
  }
  assert.match(await connect(small, given.other, link.state), /^again in [1-9]\d* seconds$/);

  await github.detachInstallation();
  assert.equal((await refused(github.detachInstallation())).status, 404);
  assert.equal((await refused(githubApi(given.api, 'lp_live_x').getInstallation())).status, 401);
}

void main();
