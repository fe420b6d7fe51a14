// Runs the main flow with the generated client and checks every step. Usage: node flow.js '{"api": …}'
import { strict as assert } from 'node:assert';
import { connect, repositories } from './example.js';
import { Layers, LayersError } from './layers.js';

const given = JSON.parse(process.argv[2]!) as {
  api: string; key: string; small: string; installation: number; other: number; repositories: string[];
};
const layers = new Layers({ baseUrl: given.api, apiKey: given.key });

async function refused(call: Promise<unknown>): Promise<LayersError> {
  const error = await call.then(() => undefined, (error: unknown) => error);
  assert(error instanceof LayersError, `a refusal: ${String(error)}`);
  assert.match(error.failure.requestId, /^req_[0-9A-Z]{26}$/);
  return error;
}

async function main() {
  assert.equal((await layers.account.whoami()).rateLimitTier, 'partner');
  assert.equal((await refused(layers.github.getInstallation())).failure.code, 'NOT_FOUND');

  const link = await layers.github.installUrl({ returnUrl: 'https://app.example.com/back' });
  assert.equal(link.authUrl, link.installUrl);
  assert.equal(new URL(link.installUrl).searchParams.get('state'), link.state);
  const elsewhere = await refused(layers.github.installUrl({ returnUrl: 'https://evil.example.com/' }));
  assert.deepEqual([elsewhere.status, elsewhere.failure.code], [403, 'RETURN_URL_NOT_ALLOWED']);

  const unknown = await refused(layers.github.registerInstallation({ installationId: given.installation, state: 'x'.repeat(20) }));
  assert(unknown.status === 422 && unknown.failure.code === 'VALIDATION' && 'issues' in unknown.failure.details);
  assert.deepEqual(unknown.failure.details.issues.map(({ path, code }) => [path, code]), [['state', 'not_claimable']]);

  const installationId = given.installation;
  const { state } = link;
  const bound = await layers.github.registerInstallation({ installationId, state });
  assert.deepEqual(Object.keys(bound), ['installationId', 'githubAccount', 'orgLogin', 'status', 'registeredAt']);
  assert.deepEqual([bound.installationId, bound.githubAccount.type, bound.status], [installationId, 'Organization', 'active']);
  assert.equal(await connect(layers, installationId, state), `bound to ${bound.orgLogin} since ${bound.registeredAt}`);
  assert.equal((await layers.github.getInstallation()).registeredAt, bound.registeredAt);

  const next = await layers.github.installUrl({ returnUrl: 'https://app.example.com/back' });
  assert.equal(await connect(layers, given.other, next.state), `detach ${installationId} first`);
  const conflict = await refused(layers.github.registerInstallation({ installationId: given.other, state: next.state }));
  assert(conflict.status === 409 && conflict.failure.code === 'CONFLICT');
  assert.equal(conflict.failure.details.boundStatus, 'active');

  assert.deepEqual(await repositories(layers, 1), given.repositories);
  assert.deepEqual(await repositories(layers, 200), given.repositories);
  const found = await layers.github.listRepos({ search: 'STORE' });
  assert.deepEqual(found.items.map((item) => item.fullName), ['acme-coffee/storefront']);
  const limit = await refused(layers.github.listRepos({ limit: 201 }));
  assert.equal(limit.failure.code, 'VALIDATION');

  const small = new Layers({ baseUrl: given.api, apiKey: given.small });
  for (let told = ''; !told.startsWith('again in '); ) {
    told = await connect(small, given.other, 'x'.repeat(20)).catch((error: LayersError) => error.failure.code);
  }
  const limited = await refused(small.github.detachInstallation());
  assert(limited.status === 429 && limited.retryAfter! >= 1, String(limited.retryAfter));

  await layers.github.detachInstallation();
  assert.equal((await refused(layers.github.detachInstallation())).status, 404);
  assert.equal((await refused(new Layers({ baseUrl: given.api, apiKey: 'lp_live_x' }).account.whoami())).status, 401);
  console.log('ok   the TypeScript client');
}

void main();
