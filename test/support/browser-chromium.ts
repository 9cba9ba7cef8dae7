/** Chromium as an npm package carries it: no browser need be installed where the tests run. */
import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import chromiumPackage, { inflate } from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

/** Flags of the package that weaken what the tests look at, or that make a page's end the browser's. */
const NOT_WANTED = ["--disable-web-security", "--allow-running-insecure-content", "--single-process"];

export async function openBrowser(): Promise<Browser> {
  const folder = await unpacked();
  const executablePath = join(folder, "chromium");
  const args = chromiumPackage.args.filter((flag) => !NOT_WANTED.includes(flag));
  return chromium.launch({
    executablePath,
    args: [...args, "--no-sandbox"],
    env: {
      ...(process.env as Record<string, string>),
      FONTCONFIG_PATH: join(folder, "fonts"),
      ...((await lacksLibraries(executablePath)) ? { LD_LIBRARY_PATH: join(folder, "al2023", "lib") } : {}),
    },
  });
}

/**
 * The package takes whatever lies at its place in the temporary folder for its own, also of another version or half
 * written: so each version has a place of its own, which appears whole or not at all.
 */
async function unpacked(): Promise<string> {
  const packageDir = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..");
  const { version } = JSON.parse(await readFile(join(packageDir, "package.json"), "utf8")) as {
    version: string;
  };
  const home = join(tmpdir(), "tidekeeper-browser");
  const folder = join(home, version);
  if (await exists(folder)) return folder;
  await mkdir(home, { recursive: true });
  const draft = await mkdtemp(join(home, "draft-"));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = draft;
  try {
    await chromiumPackage.executablePath();
    await inflate(join(packageDir, "bin", "al2023.tar.br"));
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
  const fonts = join(draft, "fonts", "fonts.conf");
  await writeFile(fonts, fontsConf(join(folder, "fonts")));
  // Whoever comes second finds the folder taken and uses it.
  await rename(draft, folder).catch(() => rm(draft, { recursive: true, force: true }));
  return folder;
}

const fontsConf = (dir: string): string =>
  `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n  <dir>${dir}</dir>\n  <cachedir>${dir}/cache</cachedir>\n</fontconfig>\n`;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A machine without a desktop may lack what Chromium links to; the package brings that, too. */
async function lacksLibraries(executable: string): Promise<boolean> {
  const listed = await promisify(execFile)("ldd", [executable]).catch(() => ({ stdout: "" }));
  return listed.stdout.includes("not found");
}
