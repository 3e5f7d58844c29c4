"""The reports' own words, in the course's two languages."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    en: str
    zh: str


STATUS = {
    "graded": Words("Graded", "已评分"),
    "unreadable": Words("Unreadable", "无法读取"),
    "missing_file": Words("File missing", "缺少文件"),
    "import_error": Words("Cannot be imported", "无法导入"),
    "timed_out": Words("Took too long", "运行超时"),
    "out_of_memory": Words("Out of memory", "内存超限"),
    "crashed": Words("Crashed", "程序崩溃"),
    "passed": Words("Right", "正确"),
    "partial": Words("Partly right", "部分正确"),
    "failed": Words("Not right yet", "尚未正确"),
    "error": Words("Raised an error", "运行出错"),
    "not_implemented": Words("Not implemented", "尚未实现"),
    "not_run": Words("Not run", "未运行"),
}

# Four colours for all statuses; each is also said in words and by a sign.
TONE = {"passed": "good", "graded": "good", "partial": "fair", "not_implemented": "calm"}
TONE |= {"not_run": "calm"}
SIGN = {"good": "✓", "fair": "◐", "poor": "✗", "calm": "○"}

TEXT = {
    "feedback": Words("Feedback", "评分反馈"),
    "class_report": Words("Class report", "班级报告"),
    "score": Words("Score", "得分"),
    "points": Words("points", "分"),
    "of": Words("of", "满分"),
    "bonus": Words("bonus", "加分题"),
    "bonus_note": Words(
        "With the bonus questions, the score may exceed the maximum.",
        "总分包含加分题，因此可能超过满分。",
    ),
    "overview": Words("Overview", "总览"),
    "question": Words("Question", "题目"),
    "status": Words("Status", "状态"),
    "tests": Words("tests passed", "项测试通过"),
    "note": Words("Please note", "请注意"),
    "likely": Words("What probably happened", "可能的原因"),
    "how": Words(
        "A question earns its points test by test, but nothing before its basic tests pass.",
        "每题按通过的测试计分；若基本测试未通过，则该题不得分。",
    ),
    "submission": Words("Submission", "提交内容"),
    "suite": Words("Tests", "测试版本"),
    "isolation": Words("Isolation", "隔离级别"),
    "language": Words("Language", "语言"),
    "submissions": Words("Submissions", "提交数"),
    "mean": Words("Mean", "平均分"),
    "median": Words("Median", "中位数"),
    "range": Words("Lowest – highest", "最低 – 最高"),
    "troubled": Words("With a problem", "有问题"),
    "distribution": Words("Distribution of scores", "成绩分布"),
    "percent": Words("Per cent of the points, and how many students", "得分百分比与人数"),
    "students_count": Words("Students", "人数"),
    "questions": Words("Questions", "题目"),
    "all_points": Words("All points", "满分"),
    "some_points": Words("Some", "部分得分"),
    "no_points": Words("None", "未得分"),
    "mean_points": Words("Mean points", "平均得分"),
    "success": Words("Success", "完成情况"),
    "mistakes": Words("Most frequent mistakes", "最常见的错误"),
    "mistake": Words("Mistake", "错误"),
    "hint": Words("Hint that students read", "学生看到的提示"),
    "no_mistakes": Words("No known mistake was recognised.", "没有识别出已知的错误。"),
    "attention": Words("Worth a look", "需要关注"),
    "students": Words("Students", "学生"),
    "student": Words("Student", "学生"),
    "nobody": Words("There are no results yet.", "还没有评分结果。"),
    "signs": Words(
        "✓ right   ◐ partly right   ✗ not right   ○ not implemented, or not run",
        "✓ 正确   ◐ 部分正确   ✗ 不正确   ○ 尚未实现，或未运行",
    ),
    "files": Words("Gradebook as CSV", "成绩表（CSV）"),
}


def tone(status: str) -> str:
    return TONE.get(status, "poor")


def sign(status: str) -> str:
    return SIGN[tone(status)]
