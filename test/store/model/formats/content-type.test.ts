import { expect, it } from "vitest";
import { typeOfContent, typeWindowBytes } from "../../../../src/store/model/formats/content-type.js";

const bytes = (text: string) => Buffer.from(text, "latin1");

it.each([
  ["image/png", bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")],
  ["image/jpeg", bytes("\xff\xd8\xff\xe0\0\x10JFIF")],
  ["image/gif", bytes("GIF89a\x01\0")],
  ["image/webp", bytes("RIFF\x0a\0\r\nWEBPVP8 ")],
  ["application/pdf", bytes("%PDF-1.7\n%\xe2\xe3")],
  ["application/zip", bytes("PK\x03\x04\x14\0")],
  ["application/gzip", bytes("\x1f\x8b\x08\0")],
  ["application/vnd.apache.parquet", bytes("PAR1\x15\x04")],
  ["text/plain", Buffer.from("größer\n\tals 5 €\r\n")],
  ["text/plain", Buffer.from("PARIS, GIF and PNG")],
])("typeOfContent() finds %s", (type, content) => {
  expect(typeOfContent(content)).toBe(type);
});

it.each([
  ["nothing", Buffer.alloc(0)],
  ["bytes that are not UTF-8", bytes("caf\xe9 au lait")],
  ["text with a control character", bytes("a\x1b[31mred")],
  ["zeros", Buffer.alloc(100)],
  ["a short content that ends inside a character", Buffer.from("5 €").subarray(0, 4)],
])("typeOfContent() knows no type of %s", (_, content) => {
  expect(typeOfContent(content)).toBeUndefined();
});

it("typeOfContent() takes a character that its window cuts for text, and reads no further", () => {
  const text = Buffer.from(`${"x".repeat(typeWindowBytes - 1)}€`);
  expect(typeOfContent(text)).toBe("text/plain");
  expect(typeOfContent(Buffer.concat([text, Buffer.from([0])]))).toBe("text/plain");
});
