// Commands of a document, to be run as they stand there.

import { readFileSync } from "node:fs";

/** The shell blocks of the section `heading` of the Markdown file at `path`, in their order. */
export function shellBlocks(path, heading) {
    const lines = readFileSync(path, "utf8").split("\n");
    const start = lines.indexOf(`## ${heading}`);
    if (start < 0) throw new Error(`${path} has no section ${heading}`);
    const length = lines.slice(start + 1).findIndex((line) => line.startsWith("## "));
    const section = lines.slice(start + 1, length < 0 ? undefined : start + 1 + length);
    const blocks = [];
    let block = null;
    for (const line of section) {
        if (block === null && line === "```sh") block = [];
        else if (block !== null && line === "```") {
            blocks.push(block.join("\n"));
            block = null;
        } else block?.push(line);
    }
    return blocks;
}
