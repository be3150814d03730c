// Blocks as they stand in an RLP file.

import { createRequire } from "node:module";

const { decodeRlp, encodeRlp, keccak256 } = createRequire(new URL("../../e2e/package.json", import.meta.url))("ethers");

/** Length of the list that starts at `offset`, with its own prefix. */
function listLength(bytes, offset) {
    const prefix = bytes[offset];
    if (prefix < 0xc0) throw new Error(`no list at offset ${offset}`);
    if (prefix <= 0xf7) return 1 + prefix - 0xc0;
    const width = prefix - 0xf7;
    return 1 + width + bytes.readUIntBE(offset + 1, width);
}

/** The blocks of a file that holds one after the other. */
export function split(bytes) {
    const blocks = [];
    for (let offset = 0; offset < bytes.length; ) {
        const length = listLength(bytes, offset);
        blocks.push(bytes.subarray(offset, offset + length));
        offset += length;
    }
    return blocks;
}

/** Hash of a block. */
export function hash(block) {
    return keccak256(encodeRlp(decodeRlp(block)[0]));
}

/** The block with another state root, which only its execution can refute. */
export function withStateRoot(block, root) {
    const parts = structuredClone(toPlain(decodeRlp(block)));
    parts[0][3] = root;
    return Buffer.from(encodeRlp(parts).slice(2), "hex");
}

function toPlain(value) {
    return Array.isArray(value) ? Array.from(value, toPlain) : value;
}
