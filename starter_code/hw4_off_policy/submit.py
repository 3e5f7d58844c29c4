"""Make submission.zip, ready to hand in: run `python submit.py`."""

import ast
import json
import os
import sys
import zipfile
from pathlib import Path

ZIP = "submission.zip"

SENTENCES = {
    "en": {
        "missing": "{file} is not here. Put it back (your starter folder has one), then try again.",
        "encoding": "{file} is not saved as UTF-8 text. Save it as UTF-8 in your editor.",
        "syntax": "{file}, line {line}: Python can't read this ({problem}). Nothing was packed.",
        "no otter": "otter-grader is missing: run  pip install -r requirements.txt",
        "todo": "Still to do, worth no points yet: {questions}",
        "all done": "All {count} questions have an answer.",
        "packed": "Packed {files} into {zip}.",
        "next": "Next: hand in {zip}. You may do so as often as you like before it is due.",
        "check": "Have you run the public tests?  python -m pytest",
    },
    "zh": {
        "missing": "找不到 {file}。请把它放回本文件夹（初始文件夹里有一份），然后重试。",
        "encoding": "{file} 不是 UTF-8 文本。请在编辑器中另存为 UTF-8 编码。",
        "syntax": "{file} 第 {line} 行：Python 无法解析（{problem}）。未生成压缩包。",
        "no otter": "缺少 otter-grader，请运行  pip install -r requirements.txt",
        "todo": "以下题目尚未完成，目前不得分：{questions}",
        "all done": "全部 {count} 道题都已作答。",
        "packed": "已将 {files} 打包为 {zip}。",
        "next": "下一步：提交 {zip}。截止时间之前可以多次提交。",
        "check": "运行过公开测试了吗？  python -m pytest",
    },
}


def main():
    os.chdir(Path(__file__).resolve().parent)
    sys.stdout.reconfigure(errors="replace")
    if not Path("homework.json").exists():
        sys.exit(SENTENCES["en"]["missing"].format(file="homework.json"))
    homework = json.loads(Path("homework.json").read_text(encoding="utf-8"))
    say = SENTENCES[homework["language"]]

    trees = {file: read(file, say) for file in homework["files"]}
    pack(homework["files"], say)

    open_questions = [
        name + " (bonus)" * question["bonus"]
        for name, question in homework["questions"].items()
        if is_open(name, trees[question["file"]])
    ]
    print(say["packed"].format(files=", ".join(homework["files"]), zip=ZIP))
    if open_questions:
        print(say["todo"].format(questions=", ".join(open_questions)))
    else:
        print(say["all done"].format(count=len(homework["questions"])))
    print(say["check"])
    print(say["next"].format(zip=ZIP))


def read(file, say):
    """The file's syntax tree; what keeps it from being graded is said before it is handed in."""
    try:
        return ast.parse(Path(file).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        sys.exit(say["missing"].format(file=file))
    except UnicodeDecodeError:
        sys.exit(say["encoding"].format(file=file))
    except SyntaxError as error:
        sys.exit(say["syntax"].format(file=file, line=error.lineno, problem=error.msg))
    except ValueError as error:
        sys.exit(say["syntax"].format(file=file, line=1, problem=error))


def is_open(question, tree):
    """Whether the question is gone from the file, or still raises its NotImplementedError."""
    bodies = [node for node in tree.body if getattr(node, "name", None) == question]
    return not (bodies or assigns(question, tree)) or any(
        isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
        for body in bodies
        for node in ast.walk(body)
    )


def assigns(name, tree):
    return any(
        isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
        for node in ast.walk(tree)
    ) or any(
        (alias.asname or alias.name) == name
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    )


def pack(files, say):
    try:
        from otter.check.notebook import Notebook
    except ModuleNotFoundError:
        sys.exit(say["no otter"])
    unfinished = "unfinished-" + ZIP
    Notebook().export(
        nb_path=files[0],
        export_path=unfinished,
        files=list(files[1:]),
        pdf=False,
        ignore_log=True,
        display_link=False,
    )
    with zipfile.ZipFile(unfinished) as archive:
        missing = set(files) - set(archive.namelist())
    if missing:
        sys.exit(say["missing"].format(file=", ".join(sorted(missing))))
    os.replace(unfinished, ZIP)


if __name__ == "__main__":
    main()
