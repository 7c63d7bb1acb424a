/*
 * Sums over trees: predict_runtime.walk_trees in C.
 *
 * The same function as that in PL/pgSQL, sql/schema/35_walk_trees.sql, which says what the array
 * of trees holds. Anybody may call it with any array, so every place is checked before it is read,
 * and places only increase, so that every walk ends.
 *
 * A statement asks the same trees about many rows. After the first of them the trees are copied
 * into nodes that are checked already, and several trees are walked at once: a step waits for the
 * one before it, but not for those in other trees.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "utils/array.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(walk_trees);

#define REFUSE() \
	ereport(ERROR, \
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("these are no trees")))

/* So many trees are walked at once. */
#define ABREAST 8

/* One row for so many numbers in the array, and copying it costs less than what it saves. */
#define NUMBERS_PER_ROW 4096

/* A comparison, or a leaf, whose children are itself. */
typedef struct TreeNode
{
	double		bound;
	int32		child[2];		/* for a number up to the bound, and for a greater one */
	int32		input;
	int32		at_missing;		/* which child, 0 or 1; of a leaf where its values are */
} TreeNode;

typedef struct Tree
{
	int32		root;
	int32		depth;
} Tree;

/* Trees as nodes, and where we are with a statement before they are that. */
typedef struct Copied
{
	int64		rows;			/* asked so far */
	int			inputs;			/* how many the trees read */
	int			count;			/* of trees */
	Tree	   *trees;
	TreeNode   *nodes;			/* NULL: not copied yet */
	double	   *values;
} Copied;

/* The array of trees. */
typedef struct Array
{
	const double *numbers;
	int			length;
	int			outputs;
} Array;

static int
count_of(ArrayType *array)
{
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

static Array
array_of(ArrayType *given)
{
	Array		array = {(const double *) ARR_DATA_PTR(given), count_of(given), 0};

	if (ARR_HASNULL(given) || array.length < 1 ||
		!(array.numbers[0] >= 1 && array.numbers[0] < array.length))
		REFUSE();
	array.outputs = (int) array.numbers[0];
	return array;
}

/* A place as an index from 0; one that no array has is beyond every array's end. */
static inline int
index_of(double place)
{
	return place >= 1 && place <= PG_INT32_MAX ? (int) place - 1 : PG_INT32_MAX;
}

/* What a node asks: the number of an input from 1, negative where missing ones go first; 0: leaf. */
static inline int
input_at(Array array, int at, int inputs)
{
	double		input;

	if (unlikely(at >= array.length))
		REFUSE();
	input = array.numbers[at];
	if (unlikely(!(fabs(input) <= inputs) || (input != 0 && fabs(input) < 1) ||
				 at + (input == 0 ? array.outputs : 2) >= array.length))
		REFUSE();
	return (int) input;
}

/* Where a tree ends, which stands before its root; it has a root. */
static inline int
end_of(Array array, int head)
{
	int			end = index_of(array.numbers[head]);

	if (unlikely(end <= head + 1 || end > array.length))
		REFUSE();
	return end;
}

/* The inputs of a row, where NaN is missing. */
static const double *
row_of(ArrayType *inputs, int count, bool *misses)
{
	const double *given = (const double *) ARR_DATA_PTR(inputs);
	const bits8 *present = ARR_NULLBITMAP(inputs);
	double	   *row;

	*misses = false;
	if (present == NULL)
	{
		for (int i = 0; i < count; i++)
			*misses |= isnan(given[i]);
		return given;
	}
	row = palloc(Max(count, 1) * sizeof(double));
	for (int i = 0; i < count; i++)
	{
		row[i] = (present[i / 8] >> (i % 8)) & 1 ? *given++ : NAN;
		*misses |= isnan(row[i]);
	}
	return row;
}

/* Add up where a row comes to, in the array as it stands. */
static void
walk_array(Array array, const double *row, int inputs, double *sums)
{
	int			end;

	for (int head = array.outputs + 1; head < array.length; head = end)
	{
		int			at = head + 1;
		int			input;

		CHECK_FOR_INTERRUPTS();
		end = end_of(array, head);
		while ((input = input_at(array, at, inputs)) != 0)
		{
			double		number = row[abs(input) - 1];
			double		bound = array.numbers[at + 1];
			int			next = at + 3;

			/* A comparison with NaN is false. */
			if (input > 0 ? !(number <= bound) : number > bound)
				next = index_of(array.numbers[at + 2]);
			if (unlikely(next <= at || next >= end))
				REFUSE();
			at = next;
		}
		for (int i = 0; i < array.outputs; i++)
			sums[i] += array.numbers[at + 1 + i];
	}
}

/*
 * Copy the nodes of one tree, from the array's index first to end.
 *
 * number_at has for each index of the array the number of the node that begins there, or -1; depths
 * has for each node how far it is from the root.
 */
static Tree
copy_tree(Array array, int inputs, int first, int end, Copied *made, int *next_node,
		  const int32 *number_at, int32 *depths)
{
	Tree		tree = {*next_node, 0};

	depths[tree.root] = 0;
	for (int at = first; at < end;)
	{
		int			self = (*next_node)++;
		int			input = input_at(array, at, inputs);
		TreeNode   *node = &made->nodes[self];
		int			greater;

		tree.depth = Max(tree.depth, depths[self]);
		if (input == 0)
		{
			*node = (TreeNode) {0, {self, self}, 0, at + 1};
			at += 1 + array.outputs;
			continue;
		}
		greater = index_of(array.numbers[at + 2]);
		if (greater <= at || greater >= end || at + 3 >= end || number_at[greater] < 0)
			REFUSE();
		*node = (TreeNode) {array.numbers[at + 1], {self + 1, number_at[greater]}, abs(input) - 1,
						input > 0};
		for (int i = 0; i < 2; i++)
			depths[node->child[i]] = Max(depths[node->child[i]], depths[self] + 1);
		at += 3;
	}
	return tree;
}

/* Copy all trees into nodes, in the memory of the statement: all of them, or nothing is changed. */
static void
copy_trees(Array array, int inputs, Copied *copied, MemoryContext memory)
{
	Copied		made = {copied->rows, inputs};
	int32	   *number_at = MemoryContextAllocHuge(CurrentMemoryContext,
												   array.length * sizeof(int32));
	int32	   *depths;
	int			nodes = 0,
				next_node = 0;
	Tree	   *tree;

	for (int head = array.outputs + 1; head < array.length; head = end_of(array, head))
	{
		int			end = end_of(array, head);

		number_at[head] = -1;
		for (int at = head + 1; at < end;)
		{
			int			width = input_at(array, at, inputs) == 0 ? 1 + array.outputs : 3;

			number_at[at] = nodes++;
			for (int i = 1; i < width && at + i < array.length; i++)
				number_at[at + i] = -1;
			at += width;
			if (at > end)
				REFUSE();
		}
		made.count++;
	}
	depths = MemoryContextAllocExtended(CurrentMemoryContext, (nodes + 1) * sizeof(int32),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	made.trees = tree = MemoryContextAllocHuge(memory, (made.count + 1) * sizeof(Tree));
	made.values = MemoryContextAllocHuge(memory, array.length * sizeof(double));
	memcpy(made.values, array.numbers, array.length * sizeof(double));
	made.nodes = MemoryContextAllocHuge(memory, (nodes + 1) * sizeof(TreeNode));
	for (int head = array.outputs + 1; head < array.length; head = end_of(array, head))
		*tree++ = copy_tree(array, inputs, head + 1, end_of(array, head), &made, &next_node,
							number_at, depths);
	*copied = made;
	pfree(number_at);
	pfree(depths);
}

/* Walk several trees at once, as many steps as the deepest of them has. */
static inline void
walk_abreast(const Copied *copied, const Tree *trees, int count, const double *row, bool misses,
			 int32 *at)
{
	const TreeNode *nodes = copied->nodes;
	int32		depth = 0;

	for (int i = 0; i < count; i++)
	{
		at[i] = trees[i].root;
		depth = Max(depth, trees[i].depth);
	}
	while (depth-- > 0)
		for (int i = 0; i < count; i++)
		{
			const TreeNode *node = &nodes[at[i]];
			double		number = row[node->input];
			int			child = number > node->bound;

			/* A leaf's children are the same, whatever is told here. */
			if (misses)
				child |= (number != number) & node->at_missing & 1;
			at[i] = node->child[child];
		}
}

/* Add up where a row comes to, in nodes. */
static void
walk_nodes(const Copied *copied, int outputs, const double *row, bool misses, double *sums)
{
	int32		at[ABREAST];

	for (int first = 0; first < copied->count; first += ABREAST)
	{
		const Tree *trees = &copied->trees[first];
		int			count = Min(ABREAST, copied->count - first);

		/* The compiler unrolls loops whose count it knows. */
		if (count < ABREAST)
			walk_abreast(copied, trees, count, row, misses, at);
		else if (misses)
			walk_abreast(copied, trees, ABREAST, row, true, at);
		else
			walk_abreast(copied, trees, ABREAST, row, false, at);
		for (int i = 0; i < count; i++)
		{
			const double *values = &copied->values[copied->nodes[at[i]].at_missing];

			for (int k = 0; k < outputs; k++)
				sums[k] += values[k];
		}
	}
}

/*
 * What is kept between the rows of a statement; NULL: the trees may be others for each.
 *
 * A parameter does not count as the same: PL/pgSQL asks an expression again with another one.
 */
static Copied *
kept(FmgrInfo *function)
{
	Node	   *call = function->fn_expr;

	if (function->fn_extra == NULL && call != NULL && IsA(call, FuncExpr) &&
		IsA(linitial(((FuncExpr *) call)->args), Const))
		function->fn_extra = MemoryContextAllocZero(function->fn_mcxt, sizeof(Copied));
	return function->fn_extra;
}

Datum
walk_trees(PG_FUNCTION_ARGS)
{
	Array		array;
	ArrayType  *given,
			   *result;
	int			inputs;
	bool		misses;
	const double *row;
	Copied	   *copied;
	Size		size;
	double	   *sums;

	/* The owner of a function may say that it is not STRICT. */
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	array = array_of(PG_GETARG_ARRAYTYPE_P(0));
	given = PG_GETARG_ARRAYTYPE_P(1);
	inputs = count_of(given);
	row = row_of(given, inputs, &misses);
	copied = kept(fcinfo->flinfo);
	size = ARR_OVERHEAD_NONULLS(1) + array.outputs * sizeof(double);
	result = palloc0(size);
	SET_VARSIZE(result, size);
	result->ndim = 1;
	result->elemtype = FLOAT8OID;
	ARR_DIMS(result)[0] = array.outputs;
	ARR_LBOUND(result)[0] = 1;
	sums = (double *) ARR_DATA_PTR(result);
	memcpy(sums, array.numbers + 1, array.outputs * sizeof(double));

	if (copied != NULL && copied->nodes == NULL &&
		copied->rows++ > array.length / NUMBERS_PER_ROW && inputs > 0)
		copy_trees(array, inputs, copied, fcinfo->flinfo->fn_mcxt);
	if (copied != NULL && copied->nodes != NULL && copied->inputs == inputs)
		walk_nodes(copied, array.outputs, row, misses, sums);
	else
		walk_array(array, row, inputs, sums);
	PG_RETURN_ARRAYTYPE_P(result);
}
