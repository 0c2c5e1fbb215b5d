"""Add vectors to Parquet files with Spark: python spark_vectors.py INPUT.parquet OUTPUT_FOLDER

For a cluster: spark-submit --master ... spark_vectors.py INPUT OUTPUT
"""

from __future__ import annotations

import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

from m2v_lite import Embedder

if __name__ == "__main__":
    source, target = sys.argv[1:]
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the Python of the workers
    spark = SparkSession.builder.getOrCreate()
    embed = Embedder(fixed_size=False)  # Spark has no lists of a fixed size
    rows = spark.read.parquet(source)
    vector = StructField("embedding", ArrayType(FloatType()))
    schema = StructType([*rows.schema, vector])
    rows.mapInArrow(embed.map_batches, schema).write.parquet(target)
    spark.stop()
