// The real product under test: the binary, built once, each time on a fresh database and a free port.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const startTimeout = 30_000;

/** Builds the binary into dir and returns its path. run.mjs does it once for all files and passes it on. */
export function build(dir) {
  const binary = join(dir, 'latchkey');
  execFileSync('go', ['build', '-o', binary, '.'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
  return binary;
}

let built;
function binaryPath() {
  if (process.env.LATCHKEY_E2E_BINARY) return process.env.LATCHKEY_E2E_BINARY;
  if (!built) {
    const dir = temporaryFolder('build');
    process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
    built = build(dir);
  }
  return built;
}

/** A new folder under TMPDIR; the caller removes it. */
export function temporaryFolder(what) {
  return mkdtempSync(join(tmpdir(), `latchkey-${what}-`));
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort() {
  const probe = createServer();
  await new Promise((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/**
 * Starts the server and waits until it says that it is ready.
 *
 *   seed          fill the database with the demo workspace and this many signals first
 *   account       make this account and its workspace first, { name, email, password, workspace }, without the browser
 *   env           further settings, LATCHKEY_DATABASE_URL for one
 *
 * Returns { url, setupLink, seeded, log(), run(args, input), keepsSecret(text), stop() }. setupLink is the one that the
 * server printed for the first account, or undefined; seeded is what seed printed. run executes another command of the
 * binary beside the server and returns its stdout. stop fails when the log or the database holds a key, a shared secret,
 * a password, the key that encrypts signing secrets, or what keepsSecret was told of.
 */
export async function startLatchkey({ seed = 0, account, env = {} } = {}) {
  const data = temporaryFolder('data');
  const url = `http://127.0.0.1:${await freePort()}`;
  const settings = { ...withoutSettings(process.env), LATCHKEY_ADDR: new URL(url).host, LATCHKEY_DATA: data, LATCHKEY_METRICS_ADDR: 'off', ...env };
  const command = (args, input) => run(args, input, { env: settings, cwd: data });

  try {
    const seeded = seed ? await command(['seed', '--signals', String(seed)]) : undefined;
    if (account) {
      const { email, name, workspace, password } = account;
      await command(['setup', '--email', email, '--name', name, '--workspace', workspace, '--password-stdin'], `${password}\n`);
    }
    const server = await spawnServer(settings, data, url);
    const secrets = [account?.password, passwordOf(seeded)];
    return {
      url,
      seeded,
      setupLink: server.log().match(/https?:\/\/\S+\/setup\S*/)?.[0],
      log: server.log,
      run: command,
      keepsSecret(text) {
        secrets.push(text);
        return text;
      },
      async stop() {
        await server.stop();
        try {
          holdsNoSecret(server.log(), data, secrets);
        } finally {
          rmSync(data, { recursive: true, force: true });
        }
      },
    };
  } catch (error) {
    rmSync(data, { recursive: true, force: true });
    throw error;
  }
}

const secretShapes = [/[a-z][a-z0-9]{0,9}_(live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]{49}/, /lks_[0-9A-Za-z]{43}/];

// The one file that is a secret: the key by which signing secrets are encrypted in the database.
const secretKeyFile = 'secret.key';

// Whatever a journey did: what was printed and what was stored, to the byte, show no secret.
function holdsNoSecret(log, data, secrets) {
  const files = readdirSync(data).map((name) => [name, readFileSync(join(data, name), 'latin1')]);
  const known = [...secrets, Object.fromEntries(files)[secretKeyFile]?.trim()].filter(Boolean);
  for (const [place, text] of [['The log', log], ...files.filter(([name]) => name !== secretKeyFile)]) {
    if (secretShapes.some((shape) => shape.test(text)) || known.some((secret) => text.includes(secret))) {
      throw new Error(`${place} holds a key, a secret or a password.`);
    }
  }
}

// The password that seed printed for all accounts of the demo.
function passwordOf(seeded) {
  return seeded?.match(/^ {4}([a-z]{5}(?:-[a-z]{5}){3})$/m)?.[1];
}

// Runs a command of the binary to its end and returns what it printed.
function run(args, input, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(binaryPath(), args, options);
    let out = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
    child.once('error', reject);
    child.once('close', (code) => (code ? reject(new Error(`latchkey ${args[0]} ended with ${code}: ${said}`)) : resolve(out)));
    child.stdin.end(input);
  });
}

// What the shell sets for an installation must not steer a test.
function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('LATCHKEY_')));
}

async function spawnServer(env, cwd, url) {
  const child = spawn(binaryPath(), ['serve'], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const killWithUs = () => child.kill('SIGKILL');
  process.on('exit', killWithUs);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let running = true;
  ended.then(() => { running = false; });

  const deadline = Date.now() + startTimeout;
  while (!(await answers(`${url}/readyz`))) {
    if (!running || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The server did not become ready. It said:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    log: () => output,
    async stop() {
      if (running) child.kill('SIGTERM');
      await ended;
      process.off('exit', killWithUs);
    },
  };
}

async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
