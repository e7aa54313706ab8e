"""Reads a PDF with a library that is not ours: prints its title, its language,
whether it is tagged, and its text, as JSON."""

import json
import sys

from pypdf import PdfReader

reader = PdfReader(sys.argv[1])
root = reader.trailer["/Root"]
print(
    json.dumps(
        {
            "title": reader.metadata.title,
            "language": root.get("/Lang"),
            "tagged": bool(root.get("/MarkInfo", {}).get("/Marked")),
            "headings": [entry.title for entry in reader.outline],
            "pages": len(reader.pages),
            "text": "\n".join(page.extract_text() for page in reader.pages),
        }
    )
)
